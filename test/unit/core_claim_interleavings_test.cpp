// Every interleaving of a session with those who want to end it or cancel its
// statement, at the grain of single atomic operations.
#include <gtest/gtest.h>

#include <cstdio>

#include "claim_world.h"

namespace leash::test {
namespace {

using Actors = std::vector<Explorer<World>::Actor>;

void expect_safe(const char* what, World initial, Actors actors,
                 Explorer<World>::AtEnd at_end = settled) {
    const Explored found = Explorer<World>(initial, std::move(actors), std::move(at_end)).explore();
    EXPECT_EQ(found.violation, nullptr) << found.violation << ", path " << found.path;
    printf("%s: %.4g interleavings, %zu states\n", what, found.interleavings, found.states);
    EXPECT_GT(found.interleavings, 100);
}

// A session that is open, and sends this many messages.
Explorer<World>::Actor session(int messages) {
    return [messages](World& world) {
        Owner<> owner(world, 1);
        owner.was_logged_in();
        for (int i = 0; i < messages; i++) {
            owner.message();
        }
    };
}

// Its first message writes and commits.
Explorer<World>::Actor session_that_commits(int messages) {
    return [messages](World& world) {
        Owner<> owner(world, 1);
        owner.was_logged_in();
        owner.message([](Owner<>& me) { return me.commit(); });
        for (int i = 1; i < messages; i++) {
            owner.message();
        }
    };
}

// The same process number and the same slot serve a second session at once.
Explorer<World>::Actor exit_and_next_login() {
    return [](World& world) {
        Owner<> first(world, 1);
        first.was_logged_in();
        first.message();
        first.exit();
        Owner<> second(world, 2);
        second.login();
        second.message();
    };
}

void reap(World& world) {
    Reaper<>(world).terminate_idle(1);
}
void force(World& world) {
    Reaper<>(world).terminate_any(1);
}
void cancel(World& world) {
    Reaper<>(world).cancel(1);
}

World awaiting(uint64_t messages) {
    World world = idle_session();
    world.to_send = messages;
    return world;
}

// Session 2 must not have been touched.
void second_session_lives(const World& world) {
    if (world.claims > 1 || (world.claims == 1 && world.claimed != 1)) {
        Stage::violate("the second session was claimed");
    }
    const uint64_t flags = world.word & (claim::kEpochOne - 1) & ~claim::kNoteMask;
    if (flags != claim::kOpen) {
        Stage::violate("the second session has somebody else's flags");
    }
    if (world.exits != 1) {
        Stage::violate("the second session was ended");
    }
}

TEST(ClaimInterleavings, OneReaper) {
    expect_safe("one reaper, two messages", awaiting(2), {session(2), reap});
}

TEST(ClaimInterleavings, TwoReapers) {
    expect_safe("two reapers, two messages", awaiting(2), {session(2), reap, reap});
}

TEST(ClaimInterleavings, ReaperAndForcedReaper) {
    expect_safe("a reaper and a forced one", awaiting(1), {session(1), reap, force});
}

TEST(ClaimInterleavings, OneCanceller) {
    expect_safe("one canceller, three messages", awaiting(3), {session(3), cancel});
}

TEST(ClaimInterleavings, ReaperAndCanceller) {
    expect_safe("a reaper and a canceller", awaiting(2), {session(2), reap, cancel});
}

TEST(ClaimInterleavings, TwoCancellers) {
    expect_safe("two cancellers", awaiting(2), {session(2), cancel, cancel});
}

TEST(ClaimInterleavings, ExitAndNextLogin) {
    expect_safe("exit and next login, one reaper", awaiting(2), {exit_and_next_login(), reap},
                second_session_lives);
}

TEST(ClaimInterleavings, ExitAndNextLoginUnderTwoReapers) {
    expect_safe("exit and next login, two reapers", awaiting(2),
                {exit_and_next_login(), reap, reap}, second_session_lives);
}

TEST(ClaimInterleavings, ExitAndNextLoginUnderForce) {
    expect_safe("exit and next login, by force", awaiting(2), {exit_and_next_login(), force},
                second_session_lives);
}

TEST(ClaimInterleavings, ExitAndNextLoginUnderCancel) {
    expect_safe("exit and next login, a canceller", awaiting(2), {exit_and_next_login(), cancel},
                second_session_lives);
}

TEST(ClaimInterleavings, CommitAgainstForce) {
    expect_safe("commit against force", awaiting(2), {session_that_commits(2), force});
}

TEST(ClaimInterleavings, CommitAgainstCancel) {
    expect_safe("commit against cancel", awaiting(2), {session_that_commits(2), cancel});
}

TEST(ClaimInterleavings, CommitAgainstForceAndCancel) {
    expect_safe("commit against force and cancel", awaiting(1),
                {session_that_commits(1), force, cancel});
}

}  // namespace
}  // namespace leash::test
