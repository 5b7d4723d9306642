// find_leaks(): sessions that nobody will use again.
#include "plan_evidence.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

Evidence with(const CauseFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.causes = {facts};
    return evidence;
}

TEST(PlanLeaks, AQuietServerHasNone) {
    EXPECT_THAT(found(quiet_server()), IsEmpty());
}

TEST(PlanLeaks, AnOpenTransaction) {
    CauseFacts facts = cause("idle in transaction", 4, 5'400);
    facts.opener = "BEGIN; UPDATE carts SET paid = ?";
    facts.route = "/cart/pay";
    const Finding leak = only_finding(with(facts));
    EXPECT_EQ(leak.id(), "leak/open transaction/shop-api/shop@orders");
    EXPECT_EQ(unmarked(leak.title, true), "\"shop-api\" leaves transactions open: 4 sessions");
    EXPECT_EQ(evidence_of(leak),
              "4 sessions are leaked of \"shop-api\" (role \"shop\", database \"orders\"): 4 idle "
              "in transaction, the oldest for 1h 30min. They hold 4.0 % of the 100 slots.\n"
              "4 sessions, opened by \"BEGIN; UPDATE carts SET paid = ?\", on route "
              "\"/cart/pay\".\n");
    EXPECT_THAT(leak.diagnosis, HasSubstr("neither committed nor rolled back"));
    EXPECT_EQ(leak.harm, Harm::kWaste);
    EXPECT_EQ(leak.frees, 4);
    EXPECT_EQ(expected_of(leak), "connections taken, at once: 10 -> 6\n");
    EXPECT_EQ(leak.fixes.front().text,
              "pgleash terminate --leaked --app shop-api --user shop --db orders\n"
              "pgleash terminate --leaked --app shop-api --user shop --db orders --yes\n");
    EXPECT_THAT(leak.fixes.front().risk, HasSubstr("rolled back"));
    EXPECT_THAT(pasted(leak, "policy apply"),
                HasSubstr("kinds = [\"idle in transaction\", \"aborted transaction\"]\n"));
    EXPECT_EQ(pasted(leak, "ALTER ROLE"),
              "ALTER ROLE \"shop\" SET idle_in_transaction_session_timeout = '1min';\n");
    EXPECT_THAT(pasted(leak, "finally"), HasSubstr("client.release()"));
    EXPECT_EQ(leak.watch.front().text,
              "pgleash leaks --app shop-api --user shop --db orders --watch 5");
}

TEST(PlanLeaks, AFailedTransactionHasADiagnosisOfItsOwn) {
    EXPECT_THAT(only_finding(with(cause("aborted transaction", 1))).diagnosis,
                HasSubstr("nobody sent ROLLBACK"));
}

TEST(PlanLeaks, AForgottenConnection) {
    Evidence evidence = with(cause("abandoned", 30));
    evidence.causes.push_back(cause("never used", 5));
    evidence.causes[0].last_statement = "SELECT * FROM stock";
    evidence.applications[0].sessions = 50;
    evidence.applications[0].opened_together = 2;
    evidence.connections.used = 50;
    const Finding leak = only_finding(evidence);
    EXPECT_EQ(leak.cause, "forgotten connection");
    EXPECT_THAT(evidence_of(leak), HasSubstr("30 abandoned and 5 never used, the oldest for"));
    EXPECT_THAT(evidence_of(leak), HasSubstr("30 sessions, whose last statement is \"SELECT * "
                                             "FROM stock\".\n"));
    EXPECT_THAT(leak.diagnosis, HasSubstr("taken and not given back"));
    // What it needs, 4 for 99.9 % of the time, times 1.25.
    EXPECT_EQ(leak.frees, 45);
    EXPECT_EQ(expected_of(leak),
              "connections taken, at once: 50 -> 15\n"
              "connections of the application, when it is mended: 50 -> 5\n");
    EXPECT_THAT(leak.fixes.front().risk, Not(HasSubstr("rolled back")));
    EXPECT_THAT(pasted(leak, "policy apply"), HasSubstr("unused_for = \"15min\"\nkeep = 2\n"));
    EXPECT_THAT(pasted(leak, "new Pool"), HasSubstr("max: 5"));
}

TEST(PlanLeaks, ConnectionsThatWereNeverUsed) {
    const Finding leak = only_finding(with(cause("ping only", 2)));
    EXPECT_EQ(leak.cause, "forgotten connection");
    EXPECT_THAT(leak.diagnosis, HasSubstr("opened and never used"));
}

TEST(PlanLeaks, AStalledClientAndOneThatIsGone) {
    const Finding stalled = only_finding(with(cause("stalled client", 2)));
    EXPECT_EQ(stalled.cause, "stalled client");
    EXPECT_THAT(stalled.diagnosis, HasSubstr("in the middle of a command"));
    const Finding gone = only_finding(with(cause("peer gone", 2)));
    EXPECT_EQ(gone.cause, "client gone");
    EXPECT_THAT(unmarked(gone.title, true),
                HasSubstr("Clients of \"shop-api\" are gone, their sessions are not: 2 sessions"));
    EXPECT_THAT(pasted(gone, "tcp_keepalives_idle = 60"), Not(IsEmpty()));
    EXPECT_THAT(pasted(gone, "client_connection_check_interval = '10s'"), Not(IsEmpty()));
}

// One who blocks others is worse than any number of slots.
TEST(PlanLeaks, WhoBlocksOthersIsAStandstill) {
    CauseFacts facts = cause("idle in transaction", 1);
    facts.blocked_sessions = 6;
    facts.weight = "blocks others";
    const Finding leak = only_finding(with(facts));
    EXPECT_EQ(leak.harm, Harm::kStandstill);
    EXPECT_EQ(leak.hurts, "6 sessions wait for it");
    EXPECT_THAT(evidence_of(leak), HasSubstr("6 sessions wait for their locks at this moment."));
    EXPECT_THAT(evidence_of(leak), HasSubstr("They hold back vacuum"));
    EXPECT_THAT(expected_of(leak), HasSubstr("sessions that wait for their locks: 6 -> 0\n"));
    facts.weight = "holds back xmin";
    facts.blocked_sessions = 0;
    EXPECT_THAT(evidence_of(only_finding(with(facts))), HasSubstr("They hold back vacuum"));
}

// A tenth of the slots may have kept others out; less has not.
TEST(PlanLeaks, HowMuchSlotsHurtDependsOnTheServer) {
    Evidence evidence = full_server();
    evidence.causes = {cause("idle in transaction", 10)};
    EXPECT_EQ(find(evidence).front().harm, Harm::kRefused);
    evidence.causes[0].sessions = 9;
    EXPECT_THAT(found(evidence),
                ElementsAre("refused connections", "leak/open transaction of shop-api"));
    evidence.refusals.clear();
    evidence.causes[0].sessions = 10;
    EXPECT_EQ(only_finding(evidence).harm, Harm::kShortage);
    evidence.history[kDayMinutes - 60].used_peak = 80;
    EXPECT_EQ(only_finding(evidence).harm, Harm::kShortage);
    evidence.history[kDayMinutes - 60].used_peak = 79;
    EXPECT_EQ(only_finding(evidence).harm, Harm::kWaste);
}

// Few now, but they take the last slot within a day.
TEST(PlanLeaks, ATrendCounts) {
    CauseFacts facts = cause("idle in transaction", 3);
    facts.growth_per_hour = 6.5;
    facts.exhausted_in = Seconds{kDay - 60};
    const Finding soon = only_finding(with(facts));
    EXPECT_EQ(soon.harm, Harm::kShortage);
    EXPECT_EQ(soon.hurts, "takes the last slot in 23h 59min");
    EXPECT_THAT(evidence_of(soon),
                HasSubstr("They grow by 6.5 an hour, at the pace of the last hour: that takes the "
                          "last free slot in 23h 59min."));
    facts.exhausted_in = Seconds{kDay};
    const Finding late = only_finding(with(facts));
    EXPECT_EQ(late.harm, Harm::kWaste);
    EXPECT_THAT(evidence_of(late),
                HasSubstr("They grow by 6.5 an hour, at the pace of the last hour.\n"));
}

TEST(PlanLeaks, HistoryTellsSinceWhen) {
    Evidence evidence = with(cause("idle in transaction", 3));
    evidence.history[kDayMinutes - 120].leaked = 1;
    evidence.history[kDayMinutes - 30].leaked = 9;
    EXPECT_THAT(evidence_of(only_finding(evidence)),
                HasSubstr("On the whole server sessions have been leaked since 2026-05-12 07:00 "
                          "UTC, at most 9 in the minute 2026-05-12 08:30 UTC.\n"));
}

// Sessions that rest as a pool's may, and kinds that a newer server may have.
TEST(PlanLeaks, WhatIsNoLeakIsNotFound) {
    CauseFacts facts = cause("unused", 30);
    facts.leaked = false;
    EXPECT_THAT(found(with(facts)), IsEmpty());
    facts = cause("abandoned", 30);
    facts.leaked = false;
    EXPECT_THAT(found(with(facts)), IsEmpty());
    EXPECT_THAT(found(with(cause("haunted", 3))), IsEmpty());
    EXPECT_THAT(found(with(cause("abandoned", 0))), IsEmpty());
}

// The same way and the same application: one finding, its causes the largest first.
TEST(PlanLeaks, CausesOfOneKindAreOneFinding) {
    Evidence evidence = with(cause("idle in transaction", 2));
    evidence.causes[0].opener = "BEGIN -- rare";
    evidence.causes.push_back(cause("aborted transaction", 7));
    evidence.causes[1].opener = "BEGIN -- often";
    evidence.causes.push_back(cause("idle in transaction", 1));
    evidence.causes[2].application_name = "shop-jobs";
    evidence.causes.push_back(cause("stalled client", 1));
    EXPECT_THAT(found(evidence), ElementsAre("leak/open transaction of shop-api",
                                             "leak/open transaction of shop-jobs",
                                             "leak/stalled client of shop-api"));
    const std::string text = evidence_of(find(evidence).front());
    EXPECT_THAT(text, HasSubstr("9 sessions are leaked of"));
    EXPECT_THAT(text, HasSubstr("7 aborted transaction and 2 idle in transaction"));
    EXPECT_LT(text.find("often"), text.find("rare"));
}

// What clients lose is said where it is known to be harsh.
TEST(PlanLeaks, NodeEndsWithItsSession) {
    CauseFacts facts = cause("abandoned", 3);
    facts.application_name = "node-api";
    EXPECT_THAT(only_finding(with(facts)).fixes.front().risk, HasSubstr("pool.on('error'"));
    facts.application_name = "PostgreSQL JDBC Driver";
    const Finding java = only_finding(with(facts));
    EXPECT_THAT(java.fixes.front().risk, Not(HasSubstr("pool.on('error'")));
    EXPECT_THAT(pasted(java, "dataSource.getConnection()"), HasSubstr("try ("));
}

TEST(PlanLeaks, AnApplicationWithoutANameIsCalledSo) {
    CauseFacts facts = cause("abandoned", 1);
    facts.application_name = "";
    const Finding leak = only_finding(with(facts));
    EXPECT_EQ(leak.title, "An application without a name leaks connections: 1 session");
    EXPECT_THAT(evidence_of(leak), HasSubstr("1 session is leaked of sessions without an "
                                             "application_name (role \"shop\""));
    EXPECT_THAT(leak.fixes.front().text, HasSubstr("--app '' --user shop"));
}

}  // namespace
}  // namespace leash::tool::plan
