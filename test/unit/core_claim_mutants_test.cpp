// The claim broken on purpose: each shortcut must be found out by the exploration
// that passes with core/claim.h as it is.  A test that cannot fail proves nothing.
#include <gtest/gtest.h>

#include <cstdio>

#include "claim_world.h"

namespace leash::test {
namespace {

using Actors = std::vector<Explorer<World>::Actor>;

void expect_found(const char* property, uint64_t messages, Actors actors,
                  Explorer<World>::AtEnd at_end = settled) {
    World world = idle_session();
    world.to_send = messages;
    const Explored found = Explorer<World>(world, std::move(actors), std::move(at_end)).explore();
    ASSERT_NE(found.violation, nullptr) << "not found: " << property;
    EXPECT_STREQ(found.violation, property) << "path " << found.path;
    printf("found: %s, by path %s\n", found.violation, found.path.c_str());
}

void ignore_the_end(const World&) {}

// compare_exchange as a load and a store.
struct TornCompareExchange : SteppedAtomic {
    bool compare_exchange(uint64_t& expected, uint64_t desired) {
        const uint64_t seen = load();
        if (seen != expected) {
            expected = seen;
            return false;
        }
        store(desired);
        return true;
    }
};

// fetch_add as a load and a store.
struct TornFetchAdd : SteppedAtomic {
    uint64_t fetch_add(uint64_t v) {
        const uint64_t seen = load();
        store(seen + v);
        return seen;
    }
};

// A protocol without kInFlight: the bit never reaches the word.
struct NoInFlight : SteppedAtomic {
    bool compare_exchange(uint64_t& expected, uint64_t desired) {
        uint64_t without = expected & ~claim::kInFlight;
        if (SteppedAtomic::compare_exchange(without, desired & ~claim::kInFlight)) {
            return true;
        }
        expected = without;
        return false;
    }
};

// An owner that does not look at one flag of the word that it meets.
template <uint64_t Flag>
struct BlindTo : SteppedAtomic {
    uint64_t fetch_add(uint64_t v) { return SteppedAtomic::fetch_add(v) & ~Flag; }
    uint64_t fetch_or(uint64_t v) { return SteppedAtomic::fetch_or(v) & ~Flag; }
};

struct SeesNothingUndecided : SteppedAtomic {
    uint64_t load() { return SteppedAtomic::load() & ~claim::kUndecided; }
};

template <class Atomic = SteppedAtomic>
Explorer<World>::Actor session(int messages) {
    return [messages](World& world) {
        Owner<Atomic> owner(world, 1);
        owner.was_logged_in();
        for (int i = 0; i < messages; i++) {
            owner.message();
        }
    };
}

template <class Atomic = SteppedAtomic>
Explorer<World>::Actor reaper(Shortcut shortcut = {}) {
    return [shortcut](World& world) { Reaper<Atomic>(world, shortcut).terminate_idle(1); };
}

void cancel(World& world) {
    Reaper<>(world).cancel(1);
}
void force(World& world) {
    Reaper<>(world).terminate_any(1);
}

// Two looks hide it where there is one reaper.
TEST(ClaimMutants, TornSwapLosesAStart) {
    expect_found("a running statement was claimed as idle", 1,
                 {session(1), reaper<TornCompareExchange>({.no_last_look = true})});
}

TEST(ClaimMutants, TornSwapLetsTwoReapersWin) {
    expect_found("two reapers claimed one session", 0,
                 {reaper<TornCompareExchange>(), reaper<TornCompareExchange>()});
}

TEST(ClaimMutants, TornStartOverwritesTheClaim) {
    expect_found("somebody waits for ever", 1, {session<TornFetchAdd>(1), reaper()},
                 ignore_the_end);
}

TEST(ClaimMutants, StartThatDoesNotLook) {
    expect_found("a running statement was claimed as idle", 1,
                 {session<BlindTo<claim::kClaimed>>(1), reaper()}, ignore_the_end);
}

// With nobody to look, it is told by the statement that runs.
TEST(ClaimMutants, StartThatDoesNotLookAfterTheDecision) {
    World world = idle_session();
    world.claims = world.claimed = 1;
    world.word |= claim::kClaimed;
    const Explored found =
        Explorer<World>(world, {session<BlindTo<claim::kClaimed>>(1)}, ignore_the_end).explore();
    EXPECT_STREQ(found.violation, "a statement ran after the claim");
}

TEST(ClaimMutants, NoSecondLook) {
    expect_found("a command reported before the claim was ended", 1,
                 {session(1), reaper({.no_second_look = true})});
}

// A command that is reported between the second look and the second swap, and has
// reached no hook yet: only a look after the swap sees it.
TEST(ClaimMutants, NoLastLook) {
    expect_found("a command reported before the claim was ended", 1,
                 {session(1), reaper({.no_last_look = true})});
}

// An owner that does not wait for the decision, and takes the swap for it.
TEST(ClaimMutants, StartThatDoesNotWaitForTheDecision) {
    expect_found("a claim that was not decided ended a session", 1,
                 {session<SeesNothingUndecided>(1), reaper()});
}

TEST(ClaimMutants, SignalBeforeTheClaim) {
    expect_found("a signal without a claim", 1, {session(1), reaper({.signals_early = true})});
}

// With the same process number and slot in use again at once.
template <class First>
Explorer<World>::Actor exit_and_next_login(bool waits, bool forget_epoch) {
    return [=](World& world) {
        Owner<First> first(world, 1);
        first.was_logged_in();
        first.exit(waits);
        Owner<> second(world, 2);
        second.login(forget_epoch);
    };
}

TEST(ClaimMutants, NoInFlight) {
    expect_found("a signal to another process", 0,
                 {exit_and_next_login<SteppedAtomic>(true, false), reaper<NoInFlight>()});
}

TEST(ClaimMutants, ExitThatDoesNotWait) {
    expect_found("a signal to another process", 0,
                 {exit_and_next_login<SteppedAtomic>(false, false), reaper()});
}

// The epoch alone tells one session from the next when the second look is taken
// away; when it starts again at each login, it no longer does.
World one_epoch_old() {
    World world = idle_session();
    world.word = claim::kEpochOne | claim::kOpen;
    return world;
}

Explored exit_and_login_without_second_look(bool forget_epoch) {
    return Explorer<World>(one_epoch_old(),
                           {exit_and_next_login<SteppedAtomic>(true, forget_epoch),
                            reaper({.no_second_look = true})},
                           ignore_the_end)
        .explore();
}

TEST(ClaimMutants, EpochThatGoesOnProtectsTheNextSession) {
    EXPECT_EQ(exit_and_login_without_second_look(false).violation, nullptr);
}

TEST(ClaimMutants, EpochResetAtLogin) {
    EXPECT_STREQ(exit_and_login_without_second_look(true).violation, "a signal to another process");
}

TEST(ClaimMutants, EndThatDoesNotWaitForACancel) {
    expect_found("a cancel hit another message", 2,
                 {session<BlindTo<claim::kCancelInFlight>>(2), cancel});
}

TEST(ClaimMutants, CancelInTheTailOfAMessage) {
    expect_found("a cancel hit another message", 2, {session(2), [](World& world) {
                                                         Shortcut shortcut{};
                                                         shortcut.cancels_the_tail = true;
                                                         Reaper<>(world, shortcut).cancel(1);
                                                     }});
}

template <class Atomic>
Explorer<World>::Actor session_that_commits(bool checks_always) {
    return [checks_always](World& world) {
        Owner<Atomic> owner(world, 1);
        owner.was_logged_in();
        owner.message([checks_always](Owner<Atomic>& me) { return me.commit(checks_always); });
    };
}

TEST(ClaimMutants, CommitThatDoesNotWait) {
    expect_found("a commit met a signal", 1,
                 {session_that_commits<BlindTo<claim::kAnyInFlight>>(true), force});
}

// A signal that was sent, and whose flag is cleared, is pending all the same.
TEST(ClaimMutants, CommitThatTakesOnlyWhatIsInFlight) {
    expect_found("a commit met a signal", 1, {session_that_commits<SteppedAtomic>(false), force});
    expect_found("a commit met a signal", 1, {session_that_commits<SteppedAtomic>(false), cancel});
}

}  // namespace
}  // namespace leash::test
