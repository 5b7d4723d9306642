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
    facts.imported_snapshot = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::imported_snapshot);
    facts.exported_snapshot = true;
    EXPECT_EQ(judge(facts, kLimits).exempt, Exempt::exported_snapshot);
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

}  // namespace
}  // namespace leash
