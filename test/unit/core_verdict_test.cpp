#include "core/verdict.h"

#include <gtest/gtest.h>

#include <string>
#include <vector>

namespace leash {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr Thresholds kLimits = {60 * kSecond, 600 * kSecond, 300 * kSecond, 30 * kSecond};
constexpr Thresholds kNever = {0, 0, 0, 0};

// A session that works: nothing is wrong with it.
SessionFacts healthy() {
    SessionFacts facts{};
    facts.state = State::idle;
    facts.client_wait = ClientWait::read;
    facts.idle_for = kSecond;
    facts.unused_for = kSecond;
    facts.state_for = kSecond;
    facts.connected_for = 10'000 * kSecond;
    facts.statements = 10;
    facts.uses = 5;
    return facts;
}

SessionFacts idle_for(State state, uint64_t seconds) {
    SessionFacts facts = healthy();
    facts.state = state;
    facts.idle_for = facts.unused_for = facts.state_for = facts.stalled_for = seconds * kSecond;
    return facts;
}

std::string reason(const SessionFacts& facts) {
    char text[200];
    const Verdict verdict = judge(facts, kLimits);
    return std::string(text, describe(verdict, facts, text, sizeof text));
}

TEST(Verdict, HealthySession) {
    const Verdict verdict = judge(healthy(), kLimits);
    EXPECT_EQ(verdict.leak, Leak::none);
    EXPECT_EQ(verdict.exempt, Exempt::none);
    EXPECT_EQ(verdict.weight, Weight::holds_a_slot);
    EXPECT_EQ(verdict.leaked_for, 0U);
    EXPECT_EQ(reason(healthy()), "");
}

TEST(Verdict, IdleInTransactionFromTheThresholdOn) {
    EXPECT_EQ(judge(idle_for(State::idle_in_transaction, 59), kLimits).leak, Leak::none);
    const Verdict verdict = judge(idle_for(State::idle_in_transaction, 60), kLimits);
    EXPECT_EQ(verdict.leak, Leak::idle_in_transaction);
    EXPECT_EQ(verdict.leaked_for, 60 * kSecond);
    EXPECT_EQ(verdict.threshold, 60 * kSecond);
}

// A cursor that is read every now and then keeps its transaction open for long.
TEST(Verdict, AgeOfTheStateIsNotTheGap) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 1);
    facts.state_for = 10'000 * kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

TEST(Verdict, AbortedTransaction) {
    const Verdict verdict = judge(idle_for(State::idle_in_transaction_aborted, 61), kLimits);
    EXPECT_EQ(verdict.leak, Leak::aborted_transaction);
}

TEST(Verdict, Unused) {
    EXPECT_EQ(judge(idle_for(State::idle, 599), kLimits).leak, Leak::none);
    EXPECT_EQ(judge(idle_for(State::idle, 600), kLimits).leak, Leak::unused);
    EXPECT_FALSE(is_leaked(Leak::unused));
    EXPECT_FALSE(is_leaked(Leak::none));
}

TEST(Verdict, NeverUsedAndPingOnly) {
    SessionFacts facts = healthy();
    facts.uses = 0;
    facts.statements = 0;
    facts.connected_for = 299 * kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    facts.connected_for = 300 * kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::never_used);
    facts.statements = 40;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::ping_only);
    facts.uses = 1;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

TEST(Verdict, NeverUsedComesBeforeUnused) {
    SessionFacts facts = idle_for(State::idle, 1'000);
    facts.uses = 0;
    facts.statements = 0;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::never_used);
}

TEST(Verdict, StalledClient) {
    const struct {
        State state;
        ClientWait wait;
        bool stalled;
    } cases[] = {
        {State::active, ClientWait::read, true},
        {State::active, ClientWait::write, true},
        {State::active, ClientWait::none, false},
        {State::fastpath, ClientWait::read, true},
        {State::idle, ClientWait::write, true},
        {State::idle, ClientWait::read, false},
        {State::idle_in_transaction, ClientWait::write, true},
        {State::idle_in_transaction, ClientWait::read, false},
        {State::idle_in_transaction_aborted, ClientWait::write, true},
        {State::unknown, ClientWait::write, false},
    };
    for (const auto& example : cases) {
        SessionFacts facts = healthy();
        facts.state = example.state;
        facts.client_wait = example.wait;
        facts.state_for = 10'000 * kSecond;
        facts.stalled_for = 30 * kSecond;
        EXPECT_EQ(judge(facts, kLimits).leak == Leak::stalled_client, example.stalled)
            << name_of(example.state) << " " << static_cast<int>(example.wait);
        facts.stalled_for = 29 * kSecond;
        EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    }
}

// While it waits for its client in the middle of a command it is nothing else.
TEST(Verdict, StallingSessionIsNotIdle) {
    SessionFacts facts = idle_for(State::idle, 100'000);
    facts.client_wait = ClientWait::write;
    facts.stalled_for = kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

TEST(Verdict, UnknownAndActiveAreNoLeaks) {
    EXPECT_EQ(judge(idle_for(State::unknown, 100'000), kLimits).leak, Leak::none);
    SessionFacts facts = idle_for(State::active, 100'000);
    facts.client_wait = ClientWait::none;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

TEST(Verdict, ZeroSwitchesAKindOff) {
    SessionFacts never_used = idle_for(State::idle, 100'000);
    never_used.uses = never_used.statements = 0;
    SessionFacts stalled = idle_for(State::active, 100'000);
    for (const SessionFacts& facts : {idle_for(State::idle_in_transaction, 100'000),
                                      idle_for(State::idle_in_transaction_aborted, 100'000),
                                      idle_for(State::idle, 100'000), never_used, stalled}) {
        EXPECT_NE(judge(facts, kLimits).leak, Leak::none);
        EXPECT_EQ(judge(facts, kNever).leak, Leak::none);
    }
}

TEST(Verdict, ExemptIsNoLeakWhateverItsAge) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 100'000);
    facts.listens = true;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::listens);
    facts.listens = false;
    facts.advisory_lock = true;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::advisory_lock);
    EXPECT_EQ(judge(facts, kLimits).leaked_for, 0U);
}

TEST(Verdict, ExemptionsInTheirOrder) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 100'000);
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::none);
    facts.advisory_lock = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::advisory_lock);
    facts.listens = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::listens);
    facts.backup = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::backup);
    facts.lease = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::lease);
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

// What a policy sees that includes listeners.
TEST(Verdict, WhatAnExemptSessionWouldBe) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 100'000);
    EXPECT_EQ(judge(facts, kLimits).apparent, Leak::idle_in_transaction);
    facts.listens = true;
    EXPECT_EQ(judge(facts, kLimits).apparent, Leak::idle_in_transaction);
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    facts.idle_for = 0;
    EXPECT_EQ(judge(facts, kLimits).apparent, Leak::none);
}

TEST(Verdict, PeerGone) {
    for (const Peer peer : {Peer::unknown, Peer::alive, Peer::closed, Peer::retransmitting}) {
        SessionFacts facts = idle_for(State::idle_in_transaction, 5);
        facts.peer = peer;
        const Verdict verdict = judge(facts, kLimits);
        EXPECT_EQ(verdict.leak == Leak::peer_gone, is_gone(peer)) << name_of(peer);
        EXPECT_EQ(verdict.apparent, verdict.leak);
        EXPECT_EQ(verdict.leaked_for, is_gone(peer) ? 5 * kSecond : 0);
        EXPECT_EQ(verdict.threshold, 0U);
        facts.state_for--;
        EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
    }
}

// It says more than any other kind, and needs no threshold.
TEST(Verdict, PeerGoneComesFirst) {
    for (const State state : {State::active, State::idle, State::idle_in_transaction,
                              State::idle_in_transaction_aborted, State::fastpath}) {
        SessionFacts facts = idle_for(state, 100'000);
        facts.peer = Peer::closed;
        EXPECT_EQ(judge(facts, kLimits).leak, Leak::peer_gone) << name_of(state);
        EXPECT_EQ(judge(facts, kNever).leak, Leak::peer_gone) << name_of(state);
        facts.client_wait = ClientWait::write;
        EXPECT_EQ(judge(facts, kLimits).leak, Leak::peer_gone) << name_of(state);
        facts.lease = true;
        EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
        EXPECT_EQ(judge(facts, kLimits).apparent, Leak::peer_gone);
    }
    // Since when it has been as it is, nobody knows.
    SessionFacts facts = idle_for(State::unknown, 100'000);
    facts.peer = Peer::closed;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

TEST(Verdict, WeightsInTheirOrder) {
    SessionFacts facts = healthy();
    EXPECT_EQ(judge(facts, kLimits).weight, Weight::holds_a_slot);
    facts.holds_locks = true;
    EXPECT_EQ(judge(facts, kLimits).weight, Weight::holds_locks);
    facts.holds_xmin = true;
    EXPECT_EQ(judge(facts, kLimits).weight, Weight::holds_back_xmin);
    facts.blocked_sessions = 1;
    EXPECT_EQ(judge(facts, kLimits).weight, Weight::blocks_others);
    EXPECT_LT(Weight::blocks_others, Weight::holds_back_xmin);
    EXPECT_LT(Weight::holds_back_xmin, Weight::holds_locks);
    EXPECT_LT(Weight::holds_locks, Weight::holds_a_slot);
}

TEST(Verdict, ReasonOfEveryKind) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 123);
    EXPECT_EQ(reason(facts),
              "its transaction is open and nothing was sent for 2min 3s (limit 1min)");
    facts.blocked_sessions = 1;
    EXPECT_EQ(reason(facts),
              "its transaction is open and nothing was sent for 2min 3s (limit 1min); "
              "blocks 1 session");
    facts.blocked_sessions = 12;
    EXPECT_NE(reason(facts).find("; blocks 12 sessions"), std::string::npos);
    EXPECT_EQ(reason(idle_for(State::idle_in_transaction_aborted, 123)),
              "its transaction failed and was not rolled back for 2min 3s (limit 1min)");
    EXPECT_EQ(reason(idle_for(State::idle, 660)),
              "idle for 11min (limit 10min), within what a pool may keep");
    facts = idle_for(State::active, 31);
    EXPECT_EQ(reason(facts),
              "a command waits for its client to send more, and nothing moved for 31s (limit 30s)");
    facts.client_wait = ClientWait::write;
    EXPECT_NE(reason(facts).find("read the result"), std::string::npos);
    facts = idle_for(State::idle, 90);
    facts.peer = Peer::closed;
    EXPECT_EQ(reason(facts), "its client has closed the connection, in this state for 1min 30s");
    facts.peer = Peer::retransmitting;
    EXPECT_EQ(reason(facts),
              "its client does not acknowledge what was sent, in this state for 1min 30s");
    facts = healthy();
    facts.uses = 0;
    facts.connected_for = 301 * kSecond;
    EXPECT_EQ(reason(facts), "connected for 5min 1s (limit 5min) and sent nothing but pings");
    facts.statements = 0;
    EXPECT_EQ(reason(facts), "connected for 5min 1s (limit 5min) and sent no statement");
}

// However small the buffer: cut, ended with a zero, never written past.
TEST(Verdict, ReasonFitsAnyBuffer) {
    SessionFacts facts = idle_for(State::idle_in_transaction, 123);
    facts.blocked_sessions = 3;
    const std::string whole = reason(facts);
    for (size_t size = 1; size <= whole.size() + 1; size++) {
        std::vector<char> text(size, 'x');
        const size_t length = describe(judge(facts, kLimits), facts, text.data(), size);
        EXPECT_EQ(length, size - 1);
        EXPECT_EQ(std::string(text.data()), whole.substr(0, size - 1));
    }
}

// ---- an application's sessions among each other -----------------------------

struct Pool {
    std::vector<Verdict> verdicts;
    std::vector<Member> members;

    // `idle` unused sessions, the n-th idle for n seconds, and `in_use` others.
    Pool(size_t idle, size_t in_use, uint64_t application = 1) { add(idle, in_use, application); }

    void add(size_t idle, size_t in_use, uint64_t application, uint32_t role = 10,
             uint32_t database = 5) {
        for (size_t i = 0; i < idle + in_use; i++) {
            Verdict verdict{};
            verdict.leak = i < idle ? Leak::unused : Leak::none;
            verdicts.push_back(verdict);
            members.push_back({role, database, application, i >= idle, i, false, nullptr});
        }
    }

    size_t mark() {
        for (size_t i = 0; i < members.size(); i++) {
            members[i].verdict = &verdicts[i];
        }
        mark_surplus(members.data(), members.size());
        return abandoned(0, verdicts.size());
    }

    size_t abandoned(size_t from, size_t to) const {
        size_t count = 0;
        for (size_t i = from; i < to; i++) {
            count += verdicts[i].leak == Leak::abandoned ? 1 : 0;
        }
        return count;
    }
};

TEST(Surplus, NobodyAtAll) {
    mark_surplus(nullptr, 0);
}

TEST(Surplus, TenMayBeKept) {
    EXPECT_EQ(Pool(10, 0).mark(), 0U);
    EXPECT_EQ(Pool(11, 0).mark(), 1U);
    EXPECT_EQ(Pool(25, 0).mark(), 15U);
}

TEST(Surplus, OrTwiceWhatIsInUse) {
    EXPECT_EQ(Pool(5, 5).mark(), 0U);    // ten in all
    EXPECT_EQ(Pool(20, 4).mark(), 14U);  // 24 - 10
    EXPECT_EQ(Pool(20, 20).mark(), 0U);  // 40 - 40
    EXPECT_EQ(Pool(30, 10).mark(), 20U);
}

TEST(Surplus, OldestFirst) {
    Pool pool(13, 0);
    EXPECT_EQ(pool.mark(), 3U);
    EXPECT_EQ(pool.abandoned(10, 13), 3U);
    EXPECT_EQ(pool.abandoned(0, 10), 0U);
}

TEST(Verdict, BeyondTheLearnedHabitIsAbandoned) {
    SessionFacts facts = idle_for(State::idle, 700);
    facts.learned_idle = 701 * kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::unused);
    facts.learned_idle = 700 * kSecond;
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::abandoned);
    EXPECT_EQ(judge(facts, kLimits).threshold, 700 * kSecond);
    EXPECT_NE(reason(facts).find("ever leaves a session idle"), std::string::npos);
    facts.learned_idle = kSecond;
    facts.idle_for = 599 * kSecond;  // the threshold holds beside it
    EXPECT_EQ(judge(facts, kLimits).leak, Leak::none);
}

// Where the habit is known, it decides, and not how many there are.
TEST(Verdict, SurplusLeavesWhatAHabitHasDecided) {
    Verdict verdicts[20];
    Member members[20];
    for (int i = 0; i < 20; i++) {
        verdicts[i] = {};
        verdicts[i].leak = verdicts[i].apparent = Leak::unused;
        members[i] = {1, 1, 1, false, kSecond, true, &verdicts[i]};
    }
    mark_surplus(members, 20);
    for (const Verdict& verdict : verdicts) {
        EXPECT_EQ(verdict.leak, Leak::unused);
    }
}

// Those not idle for long enough to be unused are passed over, not counted off.
TEST(Surplus, OnlyTheUnusedAreAccused) {
    Pool pool(15, 0);
    pool.verdicts[14].leak = Leak::none;
    pool.verdicts[13].leak = Leak::idle_in_transaction;
    EXPECT_EQ(pool.mark(), 5U);
    EXPECT_EQ(pool.verdicts[14].leak, Leak::none);
    EXPECT_EQ(pool.verdicts[13].leak, Leak::idle_in_transaction);
    EXPECT_EQ(pool.abandoned(8, 13), 5U);
}

// Exempt sessions are members; they only appear abandoned, and shield nobody else.
TEST(Surplus, TheExemptOnlyAppearSo) {
    Pool pool(13, 0);
    for (Verdict& verdict : pool.verdicts) {
        verdict.apparent = Leak::unused;
    }
    for (const size_t oldest : {11U, 12U}) {
        pool.verdicts[oldest].leak = Leak::none;
        pool.verdicts[oldest].exempt = Exempt::listens;
    }
    EXPECT_EQ(pool.mark(), 3U);
    EXPECT_EQ(pool.abandoned(8, 11), 3U);
    for (size_t i = 0; i < 13; i++) {
        EXPECT_EQ(pool.verdicts[i].apparent, i < 8 ? Leak::unused : Leak::abandoned) << i;
    }
    EXPECT_EQ(pool.verdicts[12].leak, Leak::none);
}

TEST(Surplus, ApplicationsAreApart) {
    Pool pool(10, 0, 1);
    pool.add(10, 0, 2);
    pool.add(10, 0, 1, 11);     // another role
    pool.add(10, 0, 1, 10, 6);  // another database
    pool.add(12, 0, 3);
    EXPECT_EQ(pool.mark(), 2U);
    EXPECT_EQ(pool.abandoned(40, 52), 2U);
}

}  // namespace
}  // namespace leash
