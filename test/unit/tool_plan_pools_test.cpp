// find_big_pools() and find_no_pool().
#include "plan_evidence.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// --- pools that are too big ------------------------------------------------------------

// Holds so many, and has up to `p999` in use for 99.9 % of the time.
ApplicationFacts pool(const std::string& name, std::int64_t sessions, std::int64_t p999) {
    ApplicationFacts facts = application(name);
    facts.sessions = facts.sessions_peak.emplace(sessions);
    facts.opened_together = sessions;
    facts.in_use_p999 = p999;
    facts.in_use_peak = p999 + 1;
    return facts;
}

Evidence with(const ApplicationFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.applications = {facts};
    return evidence;
}

TEST(PlanBigPools, OneThatIsTooBig) {
    const Finding finding = only_finding(with(pool("shop-api", 40, 4)));
    EXPECT_EQ(finding.id(), "pool too big/shop-api/shop@orders");
    EXPECT_EQ(unmarked(finding.title, true),
              "The pool of \"shop-api\" is too big: 40 connections for at most 5 in use");
    EXPECT_EQ(finding.harm, Harm::kWaste);
    EXPECT_EQ(finding.hurts, "holds 35 slots for nothing");
    EXPECT_EQ(finding.frees, 35);
    EXPECT_EQ(
        evidence_of(finding),
        "\"shop-api\" (role \"shop\", database \"orders\") holds 40 sessions. In use at once: "
        "1 in the mean, 4 or less for 99.9 % of the time, at most 5; known for 1d. Needed: "
        "5.\nTogether they hold 40 % of the 100 slots.\n");
    EXPECT_EQ(expected_of(finding), "connections of these pools: 40 -> 5\n");
    EXPECT_THAT(pasted(finding, "new Pool"), HasSubstr("max: 5"));
    EXPECT_EQ(finding.watch.front().text,
              "pgleash apps --app shop-api --user shop --db orders --watch 5");
}

// Each limit by itself: four times what is in use, more than ten, a tenth of the slots,
// known for an hour.
TEST(PlanBigPools, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with(pool("shop-api", 16, 4))), ElementsAre("pool too big of shop-api"));
    EXPECT_THAT(found(with(pool("shop-api", 15, 4))), IsEmpty());
    Evidence evidence = with(pool("shop-api", 10, 1));
    evidence.connections.max_connections = 23;  // of which ten are half
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.applications = {pool("shop-api", 11, 1)};
    EXPECT_THAT(found(evidence), ElementsAre("pool too big of shop-api"));
    evidence.connections.max_connections = 74;  // 7 too many, of 71 slots
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.connections.max_connections = 73;
    EXPECT_THAT(found(evidence), ElementsAre("pool too big of shop-api"));
    evidence.applications[0].known_since = ago(kHour - 1);
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.applications[0].known_since = ago(kHour);
    EXPECT_THAT(found(evidence), ElementsAre("pool too big of shop-api"));
}

TEST(PlanBigPools, WhatWasNotMeasuredIsNotJudged) {
    ApplicationFacts facts = pool("shop-api", 40, 4);
    facts.in_use_mean.reset();
    EXPECT_THAT(found(with(facts)), IsEmpty());
    EXPECT_THAT(found(with(pool("psql", 40, 4))), IsEmpty());
}

// On a server that is full small pools add up; not on one that has room.
TEST(PlanBigPools, SmallOnesCountWhereSlotsAreShort) {
    Evidence evidence = quiet_server();
    evidence.applications.clear();
    for (const char* name : {"a", "b", "c", "d", "e"}) {
        evidence.applications.push_back(pool(name, 10, 2));  // 7 more than the 3 it needs
        evidence.applications.back().in_use_mean = 0.5;
    }
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.history[100].used_peak = 79;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.history[100].used_peak = 80;
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.title, "5 pools are too big: they hold 50 connections");
    EXPECT_EQ(finding.application, "");
    EXPECT_EQ(finding.harm, Harm::kShortage);
    EXPECT_EQ(finding.frees, 35);
    evidence.applications.resize(3);  // 21 too many are below a quarter
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.history[100].used_peak = 12;
    evidence.refusals = {refusal(60, 1)};
    evidence.applications.resize(3, evidence.applications[0]);
    evidence.connections.max_connections = 87;
    EXPECT_EQ(find(evidence).front().harm, Harm::kRefused);
}

// Leaked sessions that rest: opened together they are a pool, one after the other a leak.
TEST(PlanBigPools, APoolIsToldFromALeak) {
    Evidence evidence = with(pool("shop-api", 40, 4));
    evidence.causes = {cause("abandoned", 35)};
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.kind, "pool too big");
    EXPECT_THAT(finding.fixes.front().what, HasSubstr("end those that rest"));
    EXPECT_THAT(finding.fixes.front().text, HasSubstr("pgleash terminate --leaked --app shop-api"));
    evidence.applications[0].opened_together = 32;  // four of five
    EXPECT_THAT(found(evidence), ElementsAre("pool too big of shop-api"));
    evidence.applications[0].opened_together = 31;
    EXPECT_THAT(found(evidence), ElementsAre("leak/forgotten connection of shop-api"));
    evidence.applications[0].opened_together.reset();
    EXPECT_THAT(found(evidence), ElementsAre("leak/forgotten connection of shop-api"));
    evidence.causes[0].kind = "idle in transaction";  // no pool rests like that
    EXPECT_THAT(found(evidence), testing::UnorderedElementsAre("leak/open transaction of shop-api",
                                                               "pool too big of shop-api"));
}

// Those that leak in a transaction are no part of what the pool holds.
TEST(PlanBigPools, LeaksAreNotCountedTwice) {
    Evidence evidence = with(pool("shop-api", 40, 4));
    evidence.causes = {cause("idle in transaction", 30)};
    evidence.applications[0].leaked_in_use = 30;
    EXPECT_THAT(found(evidence), ElementsAre("leak/open transaction of shop-api"));
}

// --- no pool --------------------------------------------------------------------------

// A day with so many sessions, that live for half a second and run three statements.
Evidence without_pool(double a_second) {
    Evidence evidence = quiet_server();
    const auto sessions = static_cast<std::int64_t>(a_second * kDay);
    ApplicationFacts& facts = evidence.applications[0];
    facts.sessions = 2;
    facts.sessions_peak = 12;
    facts.opened = facts.ended.emplace(sessions);
    facts.statements = 3 * sessions;
    facts.mean_lifetime = Seconds{0.5};
    facts.opened_together = 0;
    evidence.connections.opened_total = sessions;
    for (MinuteFacts& minute : evidence.history) {
        minute.opened = std::llround(60 * a_second);
    }
    return evidence;
}

TEST(PlanNoPool, AConnectionForEachRequest) {
    const Finding finding = only_finding(without_pool(2));
    EXPECT_EQ(finding.id(), "no pool/shop-api/shop@orders");
    EXPECT_EQ(unmarked(finding.title, true),
              "\"shop-api\" opens a connection for each request: 2 a second");
    EXPECT_EQ(finding.harm, Harm::kSlow);
    EXPECT_EQ(
        evidence_of(finding),
        "\"shop-api\" (role \"shop\", database \"orders\") opened 172,800 sessions in 1d, 2 a "
        "second. They lived for 500ms in the mean, and ran 3 statements each.\n"
        "At most 12 sessions were there at one time, and 1 in the mean were in use.\n"
        "100 % of all sessions that the server opened were its.\n");
    EXPECT_EQ(expected_of(finding),
              "sessions opened an hour: 7,200 -> 5, once\n"
              "its connections, at the peak: 12 -> 5\n");
    EXPECT_THAT(finding.fixes.front().what, HasSubstr("Use one pool for the whole process"));
    EXPECT_THAT(pasted(finding, "new Pool"), HasSubstr("max: 5"));
    EXPECT_THAT(pasted(finding, "[databases]"), Not(IsEmpty()));
    EXPECT_EQ(finding.frees, 7);
}

// Each limit by itself: one a second, ten seconds of life, twenty statements, a hundred.
TEST(PlanNoPool, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(without_pool(1)), ElementsAre("no pool of shop-api"));
    EXPECT_THAT(found(without_pool(0.99)), IsEmpty());
    Evidence evidence = without_pool(2);
    evidence.applications[0].mean_lifetime = Seconds{10};
    EXPECT_THAT(found(evidence), ElementsAre("no pool of shop-api"));
    evidence.applications[0].mean_lifetime = Seconds{10.1};
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = without_pool(2);
    evidence.applications[0].statements = 20 * *evidence.applications[0].opened;
    EXPECT_THAT(found(evidence), ElementsAre("no pool of shop-api"));
    *evidence.applications[0].statements += *evidence.applications[0].opened;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = without_pool(2);
    evidence.applications[0].known_since = ago(50);
    evidence.applications[0].ended = 100;
    EXPECT_THAT(found(evidence), ElementsAre("no pool of shop-api"));
    evidence.applications[0].ended = 99;
    EXPECT_THAT(found(evidence), IsEmpty());
}

// Many sessions in a few minutes are a spike; the same number all day is a habit.
TEST(PlanNoPool, AHabitIsNoSpike) {
    Evidence evidence = without_pool(2);
    for (int minute = 0; minute < kDayMinutes; ++minute) {
        evidence.history[static_cast<std::size_t>(minute)].opened = minute % 10 == 0 ? 1200 : 0;
    }
    EXPECT_THAT(found(evidence), IsEmpty());
    // A fifth of them beside the busiest tenth.
    for (int minute = 0; minute < kDayMinutes; ++minute) {
        evidence.history[static_cast<std::size_t>(minute)].opened = minute % 10 == 0 ? 360 : 10;
    }
    EXPECT_THAT(found(evidence), ElementsAre("no pool of shop-api"));
}

// A deploy of an hour ago lost its pool: the mean of the week does not show it yet.
TEST(PlanNoPool, TheLastHourCounts) {
    Evidence evidence = without_pool(0.5);
    for (int minute = 0; minute < kDayMinutes; ++minute) {
        evidence.history[static_cast<std::size_t>(minute)].opened =
            minute < kDayMinutes - 60 ? 20 : 90;
    }
    EXPECT_THAT(unmarked(only_finding(evidence).title, true), HasSubstr("1.5 a second"));
    evidence.connections.opened_total = 4 * *evidence.connections.opened_total;  // of others
    EXPECT_THAT(found(evidence), IsEmpty());
}

// The slots that it takes at its peak may keep others out.
TEST(PlanNoPool, ItMayFillTheServer) {
    Evidence evidence = without_pool(2);
    evidence.applications[0].sessions_peak = 60;
    evidence.refusals = {refusal(kHour, 40)};
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.harm, Harm::kRefused);
    EXPECT_EQ(finding.frees, 55);
}

}  // namespace
}  // namespace leash::tool::plan
