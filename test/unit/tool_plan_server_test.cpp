// find_compute_hours() and find_refusals(); and in which order findings come.
#include "plan_evidence.h"

#include "plan/page.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// --- compute hours ----------------------------------------------------------------------

// Of a day that is known, an application alone keeps the server awake for so long, and
// works for so many seconds in its 288 minutes.
Evidence awake(double alone, double active_seconds) {
    Evidence evidence = quiet_server();
    evidence.applications.push_back(application("poller"));
    evidence.applications[1].active_time = Seconds{active_seconds};
    ComputeFacts server;
    server.active_minutes = 900;
    server.compute_hours = 20;
    ComputeFacts poller;
    poller.application_name = "poller";
    poller.usename = "shop";
    poller.datname = "orders";
    poller.active_minutes = 288;
    poller.compute_hours = 24;
    poller.alone_hours = alone;
    evidence.compute = {server, poller};
    return evidence;
}

TEST(PlanCompute, WhatKeepsAServerAwakeForLittle) {
    const Finding finding = only_finding(awake(12, 100));
    EXPECT_EQ(finding.id(), "compute hours/poller/shop@orders");
    EXPECT_EQ(unmarked(finding.title, true), "\"poller\" keeps the server awake");
    EXPECT_EQ(finding.harm, Harm::kWaste);
    EXPECT_EQ(evidence_of(finding),
              "In the last 1d the server was awake for 20 hours, if it suspends itself after five "
              "minutes; for 12 of them because of \"poller\" (role \"shop\", database \"orders\") "
              "alone.\n"
              "It ran statements in 288 minutes, and worked for 0.6 % of that time.\n");
    EXPECT_THAT(finding.diagnosis, HasSubstr("paid by the hour"));
    EXPECT_THAT(finding.fixes.front().what, HasSubstr("Let it rest"));
    EXPECT_EQ(expected_of(finding), "compute hours in a week: 140 -> 56\n");
}

// Each limit by itself: a fifth of the time, a hundredth of it at work, a day of minutes.
TEST(PlanCompute, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(awake(4.81, 100)), ElementsAre("compute hours of poller"));
    EXPECT_THAT(found(awake(4.79, 100)), IsEmpty());
    EXPECT_THAT(found(awake(12, 172)), ElementsAre("compute hours of poller"));
    EXPECT_THAT(found(awake(12, 173)), IsEmpty());
    Evidence evidence = awake(12, 100);
    evidence.history.pop_back();
    EXPECT_THAT(found(evidence), IsEmpty());
}

TEST(PlanCompute, WhatIsNotKnownIsNotJudged) {
    Evidence evidence = awake(12, 100);
    evidence.applications[1].active_time.reset();
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.applications.pop_back();
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = awake(12, 100);
    evidence.compute.erase(evidence.compute.begin());  // the whole server's
    EXPECT_THAT(found(evidence), IsEmpty());
}

// --- refusals -----------------------------------------------------------------------------

TEST(PlanRefusals, WhatNothingElseExplains) {
    const Finding finding = only_finding(full_server());
    EXPECT_EQ(finding.id(), "refused connections");
    EXPECT_EQ(finding.title, "47 connections were refused, and no session is there for nothing");
    EXPECT_EQ(finding.harm, Harm::kRefused);
    EXPECT_EQ(evidence_of(finding),
              "47 refusals in the last day for want of a slot, most (40) in the minute 2026-05-12 "
              "08:00 UTC.\n"
              "At most 103 of 103 slots were taken, of which 3 are reserved.\n"
              "By what was in use, the applications together need 5 connections; there are 97 to "
              "share.\n");
    EXPECT_THAT(finding.fixes.front().text, HasSubstr("pgleash health --only connections"));
    EXPECT_THAT(finding.expected, IsEmpty());  // nobody knows what filled it
    EXPECT_EQ(finding.watch.front().text, "psql -c 'SELECT * FROM leash.refusals LIMIT 20'");
}

TEST(PlanRefusals, OnlyThoseOfTheLastDayCount) {
    Evidence evidence = quiet_server();
    evidence.refusals = {refusal(kDay, 40)};
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.refusals = {refusal(kDay - 1, 1), refusal(kDay - 2, 1, "reserved slots")};
    EXPECT_EQ(only_finding(evidence).title,
              "2 connections were refused, and no session is there for nothing");
    evidence.refusals = {refusal(60, 40, "authentication")};
    EXPECT_THAT(found(evidence), IsEmpty());
}

// The pools need more than there is: then a pooler helps, and says how much.
TEST(PlanRefusals, TheLoadMayBeTooLarge) {
    Evidence evidence = full_server();
    evidence.applications[0].in_use_mean = 70;
    evidence.applications[0].in_use_p999 = 90;
    evidence.applications[0].sessions = 95;
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(expected_of(finding), "connections to the server: 103 -> 97\n");
    EXPECT_THAT(pasted(finding, "[databases]"), HasSubstr("pool_size=97"));
}

TEST(PlanRefusals, SomeSlotsForMonitoringWhereThereAreNone) {
    Evidence evidence = full_server();
    evidence.server.version_number = 170'005;
    evidence.settings.push_back({"reserved_connections", "0", std::nullopt, "default"});
    evidence.connections.refused_too_many_clients = 47;
    const Finding finding = only_finding(evidence);
    EXPECT_THAT(pasted(finding, "reserved_connections = 3"), Not(IsEmpty()));
}

// Whoever holds the slots explains it, blocking or not; who holds few does not.
TEST(PlanRefusals, WhatIsExplainedIsToldOnce) {
    Evidence evidence = full_server();
    evidence.causes = {cause("idle in transaction", 30)};
    EXPECT_THAT(found(evidence), ElementsAre("leak/open transaction of shop-api"));
    evidence.causes[0].blocked_sessions = 2;
    EXPECT_THAT(found(evidence), ElementsAre("leak/open transaction of shop-api"));
    evidence.causes.clear();
    evidence.transactions = {transaction(60, 2)};  // blocks, and frees no slot
    EXPECT_THAT(found(evidence), ElementsAre("long transaction of nightly", "refused connections"));
}

TEST(PlanRefusals, ALimitOfARoleOrADatabase) {
    for (const std::string limit : {"role limit", "database limit"}) {
        Evidence evidence = quiet_server();
        evidence.refusals = {refusal(kHour, 6, limit), refusal(kHour + 60, 3, limit)};
        EXPECT_THAT(found(evidence), IsEmpty());
        evidence.refusals[1].refused = 4;
        const Finding finding = only_finding(evidence);
        EXPECT_EQ(finding.id(), "refused connections/" + limit);
        EXPECT_EQ(finding.title, "10 connections were refused by a " + limit);
        EXPECT_EQ(finding.harm, Harm::kSlow);
        EXPECT_EQ(evidence_of(finding),
                  "10 refusals in the last day, most (6) in the minute 2026-05-12 08:00 UTC.\n");
        EXPECT_THAT(finding.fixes.front().text, HasSubstr("reason = '" + limit + "'"));
        evidence.refusals[0].minute = ago(kDay);
        EXPECT_THAT(found(evidence), IsEmpty());
    }
}

// --- the order -----------------------------------------------------------------------------

// Everything at once: who stops others, then who keeps others out, what makes users wait,
// what costs, what will.
TEST(PlanOrder, TheWorstIsFirst) {
    Evidence evidence = full_server();
    evidence.causes = {cause("abandoned", 3), cause("idle in transaction", 30)};
    evidence.causes[0].application_name = "shop-jobs";
    evidence.transactions = {transaction(60, 2)};
    evidence.orphans = {{"prepared transaction", "x", ago(kDay), "locks"}};
    evidence.indexes = {index(20'000, 43'200)};
    EXPECT_THAT(found(evidence),
                ElementsAre("long transaction of nightly", "leak/open transaction of shop-api",
                            "missing index", "leak/forgotten connection of shop-jobs",
                            "held back/prepared transaction"));
}

// Within the same harm, the larger.
TEST(PlanOrder, TheLargerIsFirst) {
    Evidence evidence = quiet_server();
    evidence.causes = {cause("stalled client", 2), cause("abandoned", 5), cause("peer gone", 3)};
    EXPECT_THAT(found(evidence),
                ElementsAre("leak/forgotten connection of shop-api", "leak/client gone of shop-api",
                            "leak/stalled client of shop-api"));
}

// What mends something precisely comes before what only names it.
TEST(PlanOrder, AnIndexComesBeforeSlowAndBulk) {
    Evidence evidence = quiet_server();
    evidence.indexes = {index(20'000, 20'000)};
    evidence.slow = {slow("SELECT f(x)", 1'200, 20), slow("COPY lines TO STDOUT", 1'500, 20)};
    EXPECT_THAT(found(evidence), ElementsAre("missing index", "slow statements of shop-api",
                                             "bulk work of shop-api"));
}

// The whole server: who frees how many slots.
TEST(PlanOrder, ThePageSumsUpWhatIsFreed) {
    Evidence evidence = full_server();
    evidence.causes = {cause("idle in transaction", 30), cause("abandoned", 20)};
    evidence.applications[0].opened_together = 0;
    const Page page = make_page(evidence);
    ASSERT_EQ(page.expected.size(), 2U);
    EXPECT_EQ(page.expected[0].now + " -> " + page.expected[0].after, "103 -> 53");
    EXPECT_EQ(page.expected[0].how,
              "the peak less what is freed: 30 by finding 1 and 20 by "
              "finding 2");
    EXPECT_EQ(page.expected[1].now + " -> " + page.expected[1].after, "47 -> 0");
    EXPECT_THAT(page.title, HasSubstr("Emergency plan for"));
}

}  // namespace
}  // namespace leash::tool::plan
