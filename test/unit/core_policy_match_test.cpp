#include "core/policy_match.h"

#include <gtest/gtest.h>

#include <random>

#include "policy_samples.h"

namespace leash {
namespace {

TEST(PolicyMatch, OmittedCriteriaMatchEverything) {
    EXPECT_EQ(match(any_idle(), idle_session()), Mismatch::none);
    for (const State state : {State::idle_in_transaction, State::idle_in_transaction_aborted}) {
        Candidate session = idle_session();
        session.state = state;
        EXPECT_EQ(match(any_idle(), session), Mismatch::none);
    }
}

TEST(PolicyMatch, RolesAndDatabasesAreExact) {
    Policy policy = any_idle();
    add(policy.roles, "other");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::role);
    add(policy.roles, "a*");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::role);
    add(policy.roles, "app");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::none);
    add(policy.databases, "sho");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::database);
    add(policy.databases, "Shop");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::database);
    add(policy.databases, "shop");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::none);
}

TEST(PolicyMatch, ApplicationsByGlob) {
    Policy policy = any_idle();
    add(policy.applications, "worker*");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::application);
    add(policy.applications, "web-[0-9]");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::none);
}

// The name that leak_groups shows, and the one that a single session has.
TEST(PolicyMatch, ApplicationsBehindAPooler) {
    Candidate session = idle_session();
    session.application = "web-1 - 10.0.0.7:51034";
    for (const char* glob : {"web-1", "web-[0-9]", "web-1 - 10.0.0.7:51034", "* - 10.0.0.7:*"}) {
        Policy policy = any_idle();
        add(policy.applications, glob);
        EXPECT_EQ(match(policy, session), Mismatch::none) << glob;
    }
    for (const char* glob : {"web", "web-1 -", "10.0.0.7:51034"}) {
        Policy policy = any_idle();
        add(policy.applications, glob);
        EXPECT_EQ(match(policy, session), Mismatch::application) << glob;
    }
}

TEST(PolicyMatch, ApplicationsWithoutAName) {
    Candidate session = idle_session();
    session.application = "";
    Policy policy = any_idle();
    add(policy.applications, "");
    EXPECT_EQ(match(policy, session), Mismatch::none);
    EXPECT_EQ(match(policy, idle_session()), Mismatch::application);
    policy.applications = {};
    add(policy.applications, "*");
    EXPECT_EQ(match(policy, session), Mismatch::none);
}

TEST(PolicyMatch, Addresses) {
    Candidate local = idle_session();
    local.address = {};
    Policy policy = any_idle();
    add(policy.addresses, "192.168.0.0/16");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::address);
    EXPECT_EQ(match(policy, local), Mismatch::address);
    add(policy.addresses, "10.0.0.0/8");
    EXPECT_EQ(match(policy, idle_session()), Mismatch::none);
    EXPECT_EQ(match(policy, local), Mismatch::address);
    add(policy.addresses, "local");
    EXPECT_EQ(match(policy, local), Mismatch::none);
}

TEST(PolicyMatch, Kinds) {
    Policy policy = any_idle();
    policy.kinds = bits({Leak::abandoned, Leak::never_used});
    Candidate session = idle_session();
    EXPECT_EQ(match(policy, session), Mismatch::kind);
    session.kind = Leak::never_used;
    EXPECT_EQ(match(policy, session), Mismatch::none);
    // Not even a list that holds the bit of no kind.
    session.kind = Leak::none;
    policy.kinds = UINT32_MAX;
    EXPECT_EQ(match(policy, session), Mismatch::kind);
}

TEST(PolicyMatch, States) {
    Policy policy = any_idle();
    policy.states = bits({State::idle_in_transaction, State::active});
    Candidate session = idle_session();
    EXPECT_EQ(match(policy, session), Mismatch::state);
    session.state = State::idle_in_transaction;
    EXPECT_EQ(match(policy, session), Mismatch::none);
    EXPECT_EQ(match(policy, active_session()), Mismatch::none);
}

TEST(PolicyMatch, AnUnknownStateNeverMatches) {
    Candidate session = idle_session();
    session.state = State::unknown;
    EXPECT_EQ(match(any_idle(), session), Mismatch::state);
    EXPECT_EQ(match(any_idle(Action::spare), session), Mismatch::state);
    Policy policy = any_idle();
    policy.states = UINT32_MAX;
    policy.kinds = UINT32_MAX;
    EXPECT_EQ(match(policy, session), Mismatch::state);
}

// Work is ended only by a policy that names it.
TEST(PolicyMatch, ActiveSessions) {
    for (const State state : {State::active, State::fastpath}) {
        Candidate session = active_session();
        session.state = state;
        session.unused_for = 1'000 * kSecond;
        session.kind = Leak::stalled_client;
        EXPECT_EQ(match(any_idle(), session), Mismatch::state);

        Policy by_other_ages = any_idle();
        by_other_ages.unused_for = by_other_ages.xact_for = kSecond;
        EXPECT_EQ(match(by_other_ages, session), Mismatch::state);
        Policy by_circumstance = any_idle();
        by_circumstance.holds_xmin = by_circumstance.blocks_others = true;
        session.holds_xmin = session.blocks_others = true;
        EXPECT_EQ(match(by_circumstance, session), Mismatch::state);

        Policy by_state = any_idle();
        by_state.states = bits({state});
        by_state.unused_for = kSecond;
        EXPECT_EQ(match(by_state, session), Mismatch::none);
        Policy by_kind = any_idle();
        by_kind.kinds = bits({Leak::stalled_client});
        EXPECT_EQ(match(by_kind, session), Mismatch::none);
        by_kind.states = bits({State::idle});
        EXPECT_EQ(match(by_kind, session), Mismatch::state);
        Policy by_statement = any_idle();
        by_statement.statement_for = 100 * kSecond;
        EXPECT_EQ(match(by_statement, session), Mismatch::none);
        by_statement.statement_for++;
        EXPECT_EQ(match(by_statement, session), Mismatch::age);

        EXPECT_EQ(match(any_idle(Action::spare), session), Mismatch::none);
    }
}

TEST(PolicyMatch, AgesFromTheGivenOneOn) {
    struct Age {
        uint64_t Policy::*limit;
        uint64_t Candidate::*age;
    };
    for (const Age& age : {Age{&Policy::idle_for, &Candidate::idle_for},
                           Age{&Policy::unused_for, &Candidate::unused_for},
                           Age{&Policy::xact_for, &Candidate::xact_for}}) {
        Policy policy = any_idle();
        Candidate session = idle_session();
        policy.*age.limit = 60 * kSecond;
        session.*age.age = 60 * kSecond - 1;
        EXPECT_EQ(match(policy, session), Mismatch::age);
        session.*age.age = 60 * kSecond;
        EXPECT_EQ(match(policy, session), Mismatch::none);
        session.*age.age = 0;  // it does not apply
        EXPECT_EQ(match(policy, session), Mismatch::age);
        policy.*age.limit = 1;
        EXPECT_EQ(match(policy, session), Mismatch::age);
    }
    Policy policy = any_idle();
    policy.statement_for = 1;
    EXPECT_EQ(match(policy, idle_session()), Mismatch::age);
}

TEST(PolicyMatch, LearnedMatchesNobodyWhileNothingIsLearned) {
    Policy policy = any_idle();
    policy.learned = true;
    EXPECT_EQ(match(policy, idle_session(1'000'000)), Mismatch::age);
}

TEST(PolicyMatch, LearnedMatchesWhatIsBeyondTheHabit) {
    Policy policy = any_idle();
    policy.learned = true;
    Candidate session = idle_session(1'000'000);
    session.learned_idle = session.idle_for;
    EXPECT_EQ(match(policy, session), Mismatch::none);
    session.learned_idle = session.idle_for + 1;
    EXPECT_EQ(match(policy, session), Mismatch::age);
}

TEST(PolicyMatch, Circumstance) {
    Policy blocks = any_idle();
    blocks.blocks_others = true;
    Policy xmin = any_idle();
    xmin.holds_xmin = true;
    Policy gone = any_idle();
    gone.peer_gone = true;
    Candidate session = idle_session();
    EXPECT_EQ(match(blocks, session), Mismatch::circumstance);
    EXPECT_EQ(match(xmin, session), Mismatch::circumstance);
    session.blocks_others = true;
    EXPECT_EQ(match(blocks, session), Mismatch::none);
    EXPECT_EQ(match(xmin, session), Mismatch::circumstance);
    session.holds_xmin = true;
    EXPECT_EQ(match(xmin, session), Mismatch::none);
    EXPECT_EQ(match(any_idle(), session), Mismatch::none);
    for (const Peer peer : {Peer::unknown, Peer::alive, Peer::closed, Peer::retransmitting}) {
        session.peer = peer;
        EXPECT_EQ(match(gone, session), is_gone(peer) ? Mismatch::none : Mismatch::circumstance);
        EXPECT_EQ(match(any_idle(), session), Mismatch::none);
    }
}

TEST(PolicyMatch, WorkOfAClientThatIsGone) {
    Policy gone = any_idle();
    gone.peer_gone = true;
    Candidate session = idle_session();
    session.state = State::active;
    session.peer = Peer::closed;
    EXPECT_EQ(match(gone, session), Mismatch::state) << "not for long enough";
    EXPECT_EQ(match(any_idle(), session), Mismatch::state);
    session.kind = Leak::peer_gone;
    EXPECT_EQ(match(gone, session), Mismatch::none);
    EXPECT_EQ(match(any_idle(), session), Mismatch::state);
}

TEST(PolicyMatch, Reach) {
    struct Reach {
        bool Candidate::*is;
        bool Policy::*includes;
    };
    const Reach all[] = {{&Candidate::superuser, &Policy::include_superusers},
                         {&Candidate::listens, &Policy::include_listeners},
                         {&Candidate::advisory_lock, &Policy::include_lock_holders}};
    for (const Reach& reach : all) {
        Candidate session = idle_session();
        session.*reach.is = true;
        for (const Reach& other : all) {
            Policy policy = any_idle();
            policy.*other.includes = true;
            const Mismatch expected = other.is == reach.is ? Mismatch::none : Mismatch::reach;
            EXPECT_EQ(match(policy, session), expected);
            EXPECT_EQ(match_identity(policy, session), expected);
        }
        // To spare a superuser takes no superuser.
        EXPECT_EQ(match(any_idle(Action::spare), session), Mismatch::none);
        EXPECT_EQ(match(any_idle(Action::log), session), Mismatch::reach);
    }
}

TEST(PolicyMatch, TheUntouchable) {
    Candidate session = idle_session();
    session.untouchable = true;
    Policy policy = any_idle();
    policy.include_superusers = policy.include_listeners = policy.include_lock_holders = true;
    EXPECT_EQ(match(policy, session), Mismatch::untouchable);
    EXPECT_FALSE(matches(policy, session));
}

// From a session that fails in all to one that fails in the last.
TEST(PolicyMatch, TheFirstReasonIsGiven) {
    Policy policy = any_idle();
    add(policy.roles, "r");
    add(policy.databases, "d");
    add(policy.applications, "a");
    add(policy.addresses, "local");
    policy.kinds = bits({Leak::never_used});
    policy.states = bits({State::idle_in_transaction});
    policy.idle_for = 1'000 * kSecond;
    policy.blocks_others = true;
    Candidate session = idle_session();
    session.superuser = session.untouchable = true;
    EXPECT_EQ(match(policy, session), Mismatch::role);
    session.role = "r";
    EXPECT_EQ(match(policy, session), Mismatch::database);
    session.database = "d";
    EXPECT_EQ(match(policy, session), Mismatch::application);
    session.application = "a";
    EXPECT_EQ(match(policy, session), Mismatch::address);
    EXPECT_EQ(match_identity(policy, session), Mismatch::address);
    session.address = {};
    EXPECT_EQ(match_identity(policy, session), Mismatch::reach);
    EXPECT_EQ(match(policy, session), Mismatch::kind);
    session.kind = Leak::never_used;
    EXPECT_EQ(match(policy, session), Mismatch::state);
    session.state = State::idle_in_transaction;
    EXPECT_EQ(match(policy, session), Mismatch::age);
    session.idle_for = 1'000 * kSecond;
    EXPECT_EQ(match(policy, session), Mismatch::circumstance);
    session.blocks_others = true;
    EXPECT_EQ(match(policy, session), Mismatch::reach);
    session.superuser = false;
    EXPECT_EQ(match_identity(policy, session), Mismatch::none);
    EXPECT_EQ(match(policy, session), Mismatch::untouchable);
    session.untouchable = false;
    EXPECT_EQ(match(policy, session), Mismatch::none);
}

// The quick answer and the one with a reason are the same.
TEST(PolicyMatch, MatchesIsMatch) {
    std::mt19937 random(4);
    const auto flip = [&] { return random() % 4 == 0; };
    int matched = 0;
    for (int round = 0; round < 50'000; round++) {
        Policy policy = any_idle(flip() ? Action::spare : Action::terminate);
        Candidate session = flip() ? active_session() : idle_session();
        if (flip()) {
            add(policy.roles, flip() ? "app" : "other");
        }
        if (flip()) {
            add(policy.applications, flip() ? "web*" : "x");
        }
        policy.kinds = flip() ? static_cast<uint32_t>(random()) : 0;
        policy.states = flip() ? static_cast<uint32_t>(random()) : 0;
        policy.idle_for = flip() ? random() % 200 * kSecond : 0;
        policy.statement_for = flip() ? random() % 200 * kSecond : 0;
        policy.blocks_others = flip();
        policy.include_listeners = flip();
        session.blocks_others = flip();
        session.listens = flip();
        session.untouchable = flip();
        session.kind = static_cast<Leak>(random() % 9);
        session.state = flip() ? static_cast<State>(random() % 6) : session.state;
        const bool found = match(policy, session) == Mismatch::none;
        matched += found ? 1 : 0;
        ASSERT_EQ(matches(policy, session), found);
        ASSERT_EQ(matches_names(policy, session) && matches_moment(policy, session), found);
    }
    EXPECT_GT(matched, 1'000);
}

}  // namespace
}  // namespace leash
