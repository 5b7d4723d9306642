#include "advice/pools.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

namespace leash::tool {
namespace {

using testing::Contains;
using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;
constexpr std::int64_t kHour = 3600;
constexpr std::int64_t kWeek = 7 * 24 * kHour;

ApplicationFacts app(const char* name, double level, std::int64_t p999) {
    ApplicationFacts facts;
    facts.application_name = name;
    facts.usename = "shop";
    facts.datname = "orders";
    facts.sessions = 20;
    facts.sessions_peak = 30;
    facts.in_use_mean = level;
    facts.in_use_p999 = p999;
    facts.in_use_peak = p999;
    facts.busy_mean = level / 2;
    facts.busy_p999 = p999 / 2;
    facts.statements = 1'000'000;
    facts.known_since = Instant{kNow - 2 * kWeek * kSecond};
    facts.addresses = 1;
    return facts;
}

Evidence server(std::vector<ApplicationFacts> applications) {
    Evidence evidence;
    evidence.server.now.us = kNow;
    evidence.connections.max_connections = 100;
    evidence.connections.reserved = 3;
    evidence.applications = std::move(applications);
    return evidence;
}

PoolAdvice advice(const ApplicationFacts& facts, const PoolOptions& options = {}) {
    return advise_pools(server({facts}), options).pools.at(0);
}

ApplicationFacts known_for(ApplicationFacts facts, std::int64_t seconds) {
    facts.known_since = Instant{kNow - seconds * kSecond};
    return facts;
}

// --- the number ---------------------------------------------------------------------

TEST(Pools, FormulaIsOfTheMeanLevel) {
    EXPECT_EQ(advice(app("api", 1, 0)).formula, 3);
    EXPECT_EQ(advice(app("api", 4, 0)).formula, 8);
    EXPECT_EQ(advice(app("api", 16, 0)).formula, 24);
    EXPECT_EQ(advice(app("api", 0, 0)).formula, 2);
}

TEST(Pools, NeedIsTheLargerOfFormulaAndObserved) {
    EXPECT_EQ(advice(app("api", 4, 5)).need, 8);
    EXPECT_EQ(advice(app("api", 4, 13)).need, 13);
}

TEST(Pools, HeadroomIsAdded) {
    EXPECT_EQ(advice(app("api", 4, 8)).with_headroom, 10);
    EXPECT_EQ(advice(app("api", 4, 8), {.headroom = 1}).per_instance, 8);
    EXPECT_EQ(advice(app("api", 4, 8), {.headroom = 1.3}).per_instance, 11);
}

TEST(Pools, InstancesShare) {
    ApplicationFacts facts = app("api", 16, 30);
    facts.addresses = 4;
    EXPECT_EQ(advice(facts).with_headroom, 38);
    EXPECT_EQ(advice(facts).per_instance, 10);
    EXPECT_EQ(advice(facts).connections, 40);
    EXPECT_EQ(advice(facts, {.instances = 2}).per_instance, 19);
    facts.addresses = 0;
    EXPECT_EQ(advice(facts).instances, 1);
}

// A tenth of the load still comes at random.
TEST(Pools, AnInstanceHasWhatItsShareOfTheLoadAsksFor) {
    const PoolOptions options{.instances = 10, .headroom = 1};
    EXPECT_EQ(advice(app("api", 10, 10), options).with_headroom, 17);
    EXPECT_EQ(advice(app("api", 10, 10), options).per_instance, 3);  // of an L of 1
}

TEST(Pools, ARequestThatTakesSeveralConnectionsFindsThem) {
    PoolOptions options{.per_request = 3, .threads = 8};
    EXPECT_EQ(advice(app("api", 1, 1), options).per_instance, 17);  // Tn x (Cm - 1) + 1
    options = {.instances = 100, .per_request = 2};
    EXPECT_EQ(advice(app("api", 1, 1), options).per_instance, 2);
}

TEST(Pools, ConnectionsDoubleInARollingDeploy) {
    EXPECT_EQ(advice(app("api", 4, 8), {.rolling = true}).connections, 20);
    EXPECT_EQ(advice(app("api", 4, 8), {.rolling = true}).per_instance, 10);
}

TEST(Pools, LimitsAreSumsOverRoleAndDatabase) {
    Evidence evidence = server({app("a", 4, 8), app("b", 1, 3), app("c", 1, 3), app("d", 1, 3)});
    evidence.applications[2].datname = "crm";
    evidence.applications[3].usename = "other";
    const PoolPlan plan = advise_pools(evidence, {.instances = 2});
    ASSERT_EQ(plan.pools.at(0).application_name, "a");
    EXPECT_EQ(plan.pools[0].connections, 10);
    EXPECT_EQ(plan.pools[0].role_connections, 18);
    EXPECT_EQ(plan.pools[0].pooler_size, 14);
    EXPECT_EQ(plan.pools[0].pooler_database_size, 18);
    evidence.applications[1] = known_for(evidence.applications[1], 60);  // keeps its 30 sessions
    EXPECT_EQ(advise_pools(evidence, {.instances = 2}).pools.at(0).role_connections, 44);
}

// --- when there is none --------------------------------------------------------------

TEST(Pools, UnderAnHourIsCollecting) {
    const ApplicationFacts young = known_for(app("api", 4, 8), kHour - 1);
    EXPECT_TRUE(advice(young).collecting);
    EXPECT_FALSE(advice(young).advised());
    EXPECT_EQ(advice(young).confidence, Confidence::kNone);
    EXPECT_THAT(advice(young).confidence_reason, HasSubstr("collecting"));
    EXPECT_FALSE(advice(known_for(young, kHour)).collecting);
}

TEST(Pools, UnderAnHourIsAdvisedByForceWithLittleConfidence) {
    const PoolAdvice forced = advice(known_for(app("api", 4, 8), 60), {.force = true});
    EXPECT_EQ(forced.per_instance, 10);
    EXPECT_TRUE(forced.collecting);
    EXPECT_EQ(forced.confidence, Confidence::kLow);
}

// Levels are of a window, counters are not.
TEST(Pools, AreAdvisedByTheTimeThatLevelsAreOf) {
    ApplicationFacts facts = known_for(app("api", 4, 8), 10 * kWeek);
    facts.measured_for = Seconds{static_cast<double>(2 * kHour)};
    EXPECT_EQ(advice(facts).confidence, Confidence::kLow);
    EXPECT_EQ(advice(facts).known_for.value, 2 * kHour);
    EXPECT_EQ(advice(facts).counted_for.value, 10 * kWeek);
    facts.leaked_in_use = 1;  // for all of the window
    facts.leaked_in_use_time = *facts.measured_for;
    EXPECT_DOUBLE_EQ(advice(facts).level, 3);
    facts.measured_for = Seconds{static_cast<double>(kHour - 1)};
    EXPECT_TRUE(advice(facts).collecting);
}

TEST(Pools, WhatWasNotMeasuredIsNotAdvised) {
    ApplicationFacts facts = app("api", 4, 8);
    facts.in_use_mean.reset();
    EXPECT_FALSE(advice(facts, {.force = true}).advised());
    EXPECT_THAT(advice(facts).confidence_reason, HasSubstr("not measured"));
}

TEST(Pools, PeopleAndTheirToolsHaveNoPool) {
    const Evidence evidence =
        server({app("psql", 1, 1), app("pgAdmin 4 - DB:shop", 1, 1), app("pgleash", 1, 1),
                app("(other)", 1, 1), app("psqlx", 1, 1)});
    const PoolPlan plan = advise_pools(evidence, {});
    ASSERT_EQ(plan.pools.size(), 1U);
    EXPECT_EQ(plan.pools[0].application_name, "psqlx");
    EXPECT_EQ(advise_pools(evidence, {.app = "psql"}).pools.size(), 1U);
}

TEST(Pools, AGlobChoosesAndTheOthersStillTakeTheirSlots) {
    const Evidence evidence = server({app("api", 40, 60), app("api-2", 1, 2), app("job", 40, 60)});
    const PoolPlan all = advise_pools(evidence, {});
    const PoolPlan some = advise_pools(evidence, {.app = "api*"});
    ASSERT_EQ(some.pools.size(), 2U);
    EXPECT_EQ(some.wanted, all.wanted);
    EXPECT_EQ(some.pools[0].per_instance, all.pools[0].per_instance);
    EXPECT_TRUE(some.pools[0].capped);
}

TEST(Pools, AnEmptyServerHasAnEmptyPlan) {
    const PoolPlan plan = advise_pools(Evidence{}, {});
    EXPECT_FALSE(plan.any_advised());
    EXPECT_THAT(plan.notes, IsEmpty());
}

// --- leaked sessions -----------------------------------------------------------------

// Three sessions leaked for the whole two weeks, one for half of them.
ApplicationFacts leaking() {
    ApplicationFacts facts = app("api", 5.5, 12);
    facts.leaked_in_use = 4;
    facts.leaked_in_use_time.value = 3.5 * 2 * kWeek;
    return facts;
}

TEST(Pools, LeakedTimeIsNoLevel) {
    EXPECT_DOUBLE_EQ(advice(leaking()).leaked_level, 3.5);
    EXPECT_DOUBLE_EQ(advice(leaking()).level, 2);
    EXPECT_EQ(advice(leaking()).formula, 5);
    EXPECT_THAT(
        advice(leaking()).notes,
        Contains(HasSubstr("without leaked sessions, which held 3.50 of the mean of 5.50")));
}

TEST(Pools, WhatPoliciesEndedIsNoLevelEither) {
    ApplicationFacts facts = app("api", 4, 8);
    facts.reaped_in_use_time.value = 2 * kWeek;
    EXPECT_DOUBLE_EQ(advice(facts).level, 3);
}

TEST(Pools, LongLeaksAreTakenOutOfThePercentile) {
    EXPECT_EQ(advice(leaking()).p999, 8);
    ApplicationFacts facts = app("api", 1, 6);
    facts.leaked_in_use = 3;
    facts.leaked_in_use_time.value = 3 * kHour;  // the p99.9 of two weeks may not know them
    EXPECT_EQ(advice(facts).p999, 6);
    EXPECT_THAT(advice(facts).notes, Contains(HasSubstr("may contain 3 leaked sessions")));
}

TEST(Pools, MoreLeakThanLevelIsNoLevel) {
    ApplicationFacts facts = app("api", 1, 1);
    facts.leaked_in_use_time.value = 100 * kWeek;
    EXPECT_DOUBLE_EQ(advice(facts).level, 0);
    EXPECT_EQ(advice(facts).need, 2);
    EXPECT_EQ(advice(facts).confidence, Confidence::kLow);
}

TEST(Pools, LeaksThatNobodyMeasuredLowerTheConfidence) {
    ApplicationFacts facts = app("api", 4, 8);
    facts.leaked = 10;
    facts.reaped = 2;
    facts.idle_in_transaction_time = Seconds{6 * kWeek};  // of 8 weeks in use
    Evidence evidence = server({facts});
    EXPECT_EQ(advise_pools(evidence, {}).pools[0].confidence, Confidence::kLow);
    CauseFacts cause;
    cause.application_name = "api";
    cause.usename = "shop";
    cause.datname = "orders";
    cause.sessions = 8;
    evidence.causes.push_back(cause);
    EXPECT_EQ(advise_pools(evidence, {}).pools[0].confidence, Confidence::kHigh);
    evidence.causes.clear();
    evidence.applications[0].idle_in_transaction_time = Seconds{kWeek};
    EXPECT_EQ(advise_pools(evidence, {}).pools[0].confidence, Confidence::kHigh);
}

// --- the limit -----------------------------------------------------------------------

TEST(Pools, TheLimitIsWhatIsUsableLessMonitoring) {
    EXPECT_EQ(advise_pools(server({app("api", 1, 1)}), {}).limit, 94);
    EXPECT_EQ(advise_pools(server({app("api", 1, 1)}), {.cap = 7}).limit, 7);
    // whoever is not advised keeps his slots
    EXPECT_EQ(advise_pools(server({app("api", 1, 1), known_for(app("new", 1, 1), 60)}), {}).limit,
              74);
}

TEST(Pools, WhoAsksForMoreThanThereIsGetsAPart) {
    const PoolPlan plan = advise_pools(server({app("a", 80, 96), app("b", 20, 32)}), {});
    EXPECT_EQ(plan.wanted, 163);  // 98 and 32, and a quarter more
    EXPECT_TRUE(plan.over);
    EXPECT_EQ(plan.pools[0].wanted_per_instance, 123);
    EXPECT_EQ(plan.pools[0].per_instance, 70);
    EXPECT_EQ(plan.pools[1].per_instance, 23);
    EXPECT_LE(plan.connections, plan.limit);
    EXPECT_THAT(plan.notes, Contains(HasSubstr("PgBouncer in transaction mode")));
}

TEST(Pools, WithinTheLimitNothingIsSaidOfPgBouncer) {
    const PoolPlan plan = advise_pools(server({app("a", 4, 8)}), {.instances = 1});
    EXPECT_FALSE(plan.over);
    EXPECT_FALSE(plan.pools[0].capped);
    EXPECT_THAT(plan.notes, IsEmpty());
}

TEST(Pools, ARollingDeployMayBeWhatIsTooMuch) {
    const Evidence evidence = server({app("a", 30, 48)});
    EXPECT_FALSE(advise_pools(evidence, {}).over);
    const PoolPlan plan = advise_pools(evidence, {.rolling = true});
    EXPECT_TRUE(plan.over);
    EXPECT_EQ(plan.pooler, 60);
    EXPECT_EQ(plan.pools[0].per_instance, 47);
}

TEST(Pools, EachInstanceKeepsOneConnection) {
    const PoolPlan plan = advise_pools(server({app("a", 1, 3)}), {.instances = 200});
    EXPECT_EQ(plan.pools[0].per_instance, 1);
    EXPECT_THAT(plan.notes, Contains(HasSubstr("each instance can do with makes 200 already")));
}

TEST(Pools, APoolBelowItsLoadIsNamed) {
    EXPECT_THAT(advice(app("a", 80, 90), {.cap = 40}).notes,
                Contains(HasSubstr("capped below its load")));
}

TEST(Pools, CoresTellWhenMoreConnectionsDoNotHelp) {
    Evidence evidence = server({app("a", 10, 20), app("b", 10, 20)});
    EXPECT_THAT(advise_pools(evidence, {.instances = 1, .cores = 10}).notes, IsEmpty());
    EXPECT_THAT(advise_pools(evidence, {.instances = 1, .cores = 9}).notes,
                ElementsAre(HasSubstr("20 statements ran at once, and 9 cores can carry 18")));
    EXPECT_THAT(advise_pools(evidence, {.instances = 1}).notes, IsEmpty());
    evidence.connections.busy_peak = 12;  // they were not busy at the same time
    EXPECT_THAT(advise_pools(evidence, {.instances = 1, .cores = 9}).notes, IsEmpty());
}

// --- what is said beside it ------------------------------------------------------------

TEST(Pools, ConfidenceGrowsWithTheData) {
    EXPECT_EQ(advice(known_for(app("a", 4, 8), 2 * kHour)).confidence, Confidence::kLow);
    EXPECT_EQ(advice(known_for(app("a", 4, 8), 25 * kHour)).confidence, Confidence::kMedium);
    EXPECT_EQ(advice(known_for(app("a", 4, 8), kWeek)).confidence, Confidence::kHigh);
    EXPECT_EQ(advice(known_for(app("a", 4, 8), kWeek)).confidence_reason, "7d of data");
}

TEST(Pools, FewStatementsAreNoMeasurement) {
    ApplicationFacts facts = app("a", 4, 8);
    facts.statements = 999;
    EXPECT_EQ(advice(facts).confidence, Confidence::kLow);
    EXPECT_EQ(advice(facts).confidence_reason, "14d of data; 999 statements only");
}

TEST(Pools, AnExhaustedPoolHidesWhoWaited) {
    ApplicationFacts facts = app("a", 4, 30);
    EXPECT_THAT(advice(facts).notes, Contains(HasSubstr("all its 30 connections were in use")));
    EXPECT_EQ(advice(facts).confidence, Confidence::kMedium);
    facts.sessions_peak = 31;
    EXPECT_THAT(advice(facts).notes, Not(Contains(HasSubstr("were in use at times"))));
}

TEST(Pools, NoPoolIsNamed) {
    ApplicationFacts facts = app("php", 4, 8);
    facts.ended = 4 * kWeek;  // two a second
    facts.mean_lifetime = Seconds{0.02};
    EXPECT_THAT(advice(facts).notes, Contains(HasSubstr("opens 2.0 connections a second")));
    facts.mean_lifetime = Seconds{2};
    EXPECT_THAT(advice(facts).notes, Not(Contains(HasSubstr("connections a second"))));
}

TEST(Pools, AnOversizedPoolIsNamed) {
    ApplicationFacts facts = app("a", 0.5, 2);
    EXPECT_THAT(advice(facts).notes,
                Contains(HasSubstr("holds 20 sessions for a mean of 0.50 in use (2.5 %): a pool of "
                                   "this size frees 17 slots")));
    facts.in_use_mean = 1.5;
    EXPECT_THAT(advice(facts).notes, Not(Contains(HasSubstr("frees"))));
}

TEST(Pools, ARarePeakIsSaid) {
    ApplicationFacts facts = app("a", 4, 8);
    facts.in_use_peak = 11;
    EXPECT_THAT(advice(facts).notes, Contains(HasSubstr("once 11 were in use")));
    facts.in_use_peak = 10;
    EXPECT_THAT(advice(facts).notes, Not(Contains(HasSubstr("were in use at one time"))));
}

TEST(Pools, WhereInstancesComeFromIsSaid) {
    const auto plan = [](std::int64_t addresses, const PoolOptions& options) {
        ApplicationFacts facts = app("a", 4, 8);
        facts.addresses = addresses;
        return advise_pools(server({facts}), options);
    };
    EXPECT_THAT(plan(3, {}).notes, Contains(HasSubstr("instances are the addresses")));
    EXPECT_THAT(plan(3, {}).pools[0].notes, IsEmpty());
    EXPECT_THAT(plan(0, {}).notes, IsEmpty());
    EXPECT_THAT(plan(0, {}).pools[0].notes, Contains(HasSubstr("taken for one instance")));
    EXPECT_THAT(plan(0, {.instances = 1}).pools[0].notes, IsEmpty());
    EXPECT_THAT(plan(3, {.instances = 1}).notes, IsEmpty());
}

TEST(Pools, APoolOfOneIsWarnedOf) {
    EXPECT_THAT(advice(app("a", 0, 0), {.instances = 9}).notes,
                Contains(HasSubstr("a pool of 1 waits for itself")));
}

}  // namespace
}  // namespace leash::tool
