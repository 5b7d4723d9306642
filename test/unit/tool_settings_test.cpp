#include "advice/settings.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice/setting_rules.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kNow = 1'800'000'000 * kSecond;
constexpr std::int64_t kDay = 86'400;
constexpr double kHour = 3600;

SettingFacts setting(const char* name, const char* value, const char* source = "default") {
    SettingFacts facts;
    facts.name = name;
    facts.setting = value;
    facts.source = source;
    return facts;
}

// A server that nothing is wrong with.
Evidence server() {
    Evidence evidence;
    evidence.server.now.us = kNow;
    evidence.server.started_at.us = kNow - 10 * kDay * kSecond;
    evidence.server.version_number = 150'020;
    evidence.connections.max_connections = 100;
    evidence.connections.reserved = 3;
    evidence.connections.peak_used = 40;
    evidence.settings = {
        setting("idle_in_transaction_session_timeout", "0"),
        setting("idle_session_timeout", "0"),
        setting("transaction_timeout", "0"),
        setting("client_connection_check_interval", "0"),
        setting("tcp_keepalives_idle", "0"),
        setting("pg_leash.idle_in_transaction_threshold", "60000"),
        setting("superuser_reserved_connections", "3"),
        setting("reserved_connections", "0"),
        setting("shared_buffers", "16384"),
        setting("work_mem", "4096"),
        setting("track_activities", "on"),
    };
    return evidence;
}

CauseFacts cause(const char* kind, std::int64_t sessions = 3) {
    CauseFacts facts;
    facts.kind = kind;
    facts.application_name = "shop";
    facts.usename = "api";
    facts.datname = "orders";
    facts.opener = "UPDATE stock SET n = ?";
    facts.sessions = sessions;
    facts.oldest.value = 600;
    return facts;
}

void set(Evidence& evidence, std::string_view name, const char* value,
         const char* source = "configuration file") {
    for (SettingFacts& facts : evidence.settings) {
        if (facts.name == name) {
            facts.setting = value;
            facts.source = source;
        }
    }
}

std::vector<std::string> names(const std::vector<SettingAdvice>& advice) {
    std::vector<std::string> out;
    for (const SettingAdvice& one : advice) {
        out.push_back(one.name);
    }
    return out;
}

std::vector<SettingAdvice> advise(const Evidence& evidence, const PoolPlan& plan = {}) {
    return advise_settings(evidence, plan);
}

TEST(Settings, NothingSpeaksForAChangeOfAHealthyServer) {
    EXPECT_THAT(advise(server()), IsEmpty());
    EXPECT_THAT(advise(Evidence{}), IsEmpty());
}

TEST(Settings, DurationsReadAsTheyAreWritten) {
    EXPECT_EQ(setting_text(60), "1min");
    EXPECT_EQ(setting_text(90), "90s");
    EXPECT_EQ(setting_text(7200), "2h");
    EXPECT_EQ(setting_text(172'800), "2d");
    EXPECT_EQ(setting_text(0.2), "1s");
    EXPECT_EQ(round_duration(61), 300);
    EXPECT_EQ(round_duration(3 * kHour), 4 * kHour);
    EXPECT_EQ(round_duration(30 * kHour), 48 * kHour);
}

// --- idle in transaction -----------------------------------------------------------------

TEST(Settings, LeaksInTransactionsAskForATimeoutOfTheirRole) {
    Evidence evidence = server();
    evidence.causes = {cause("idle in transaction"), cause("aborted transaction", 2)};
    const auto advice = advise(evidence);
    ASSERT_THAT(names(advice), ElementsAre("idle_in_transaction_session_timeout"));
    EXPECT_EQ(advice[0].about, "role api");
    EXPECT_EQ(advice[0].paste,
              "ALTER ROLE \"api\" SET idle_in_transaction_session_timeout = '1min';\n");
    EXPECT_EQ(advice[0].undo, "ALTER ROLE \"api\" RESET idle_in_transaction_session_timeout;\n");
    EXPECT_THAT(advice[0].evidence, HasSubstr("5 sessions idle in transaction, the oldest for "
                                              "10min (shop); opened by: UPDATE stock"));
}

TEST(Settings, ATimeoutThatIsThereAndDidNotBindLeavesPolicies) {
    Evidence evidence = server();
    evidence.causes = {cause("idle in transaction")};
    set(evidence, "idle_in_transaction_session_timeout", "60000");
    ASSERT_EQ(advise(evidence).size(), 1U);
    EXPECT_EQ(advise(evidence)[0].paste, "");
    EXPECT_THAT(advise(evidence)[0].does, HasSubstr("policy of pg_leash binds"));
    // the role has switched it off
    evidence.role_settings = {{"api", "", "idle_in_transaction_session_timeout", "0"}};
    EXPECT_THAT(advise(evidence)[0].paste, HasSubstr("ALTER ROLE \"api\" SET"));
    evidence.role_settings[0].setting = "5min";
    EXPECT_EQ(advise(evidence)[0].paste, "");
    evidence.role_settings[0].usename = "other";
    set(evidence, "idle_in_transaction_session_timeout", "0");
    EXPECT_THAT(advise(evidence)[0].paste, HasSubstr("ALTER ROLE \"api\" SET"));
}

TEST(Settings, WhatTheOwnRoleHasSaysNothingOfOthers) {
    Evidence evidence = server();
    evidence.causes = {cause("idle in transaction")};
    set(evidence, "idle_in_transaction_session_timeout", "0", "user");
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, SessionsThatAreOnlyUnusedAreNoLeak) {
    Evidence evidence = server();
    evidence.causes = {cause("abandoned")};
    evidence.causes[0].leaked = false;
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, RolesAreQuoted) {
    Evidence evidence = server();
    evidence.causes = {cause("idle in transaction")};
    evidence.causes[0].usename = "a\"; DROP ROLE x; --";
    EXPECT_THAT(advise(evidence)[0].paste, HasSubstr("ALTER ROLE \"a\"\"; DROP ROLE x; --\" SET"));
}

// --- idle --------------------------------------------------------------------------------

TEST(Settings, AbandonedSessionsAskForATimeoutBeyondTheHabit) {
    Evidence evidence = server();
    evidence.causes = {cause("abandoned"), cause("never used")};
    ApplicationFacts facts;
    facts.usename = "api";
    facts.sessions = 5;
    evidence.applications = {facts};
    ASSERT_THAT(names(advise(evidence)), ElementsAre("idle_session_timeout"));
    EXPECT_EQ(advise(evidence)[0].paste, "");
    EXPECT_THAT(advise(evidence)[0].does, HasSubstr("habits of its applications are not learned"));
    evidence.applications[0].learned_idle = Seconds{50 * 60};
    EXPECT_EQ(advise(evidence)[0].paste, "ALTER ROLE \"api\" SET idle_session_timeout = '2h';\n");
    evidence.applications[0].learned_idle = Seconds{10};
    EXPECT_EQ(advise(evidence)[0].paste, "ALTER ROLE \"api\" SET idle_session_timeout = '1h';\n");
    set(evidence, "idle_session_timeout", "1000");
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, NoTimeoutEndsWhoOnlyPings) {
    Evidence evidence = server();
    evidence.causes = {cause("ping only")};
    evidence.causes[0].usename = "it's \"x\"";
    const auto advice = advise(evidence);
    ASSERT_THAT(names(advice), ElementsAre("policy"));
    EXPECT_THAT(advice[0].paste, HasSubstr("roles = [\"it's \\\"x\\\"\"]\n"));
    EXPECT_THAT(advice[0].paste, HasSubstr("mode = \"observe\""));
    EXPECT_EQ(advice[0].undo,
              "DELETE FROM leash.policies WHERE name = 'ping only, it''s \"x\"';\n");
}

// --- others --------------------------------------------------------------------------------

TEST(Settings, ClientsThatAreGoneAskForChecks) {
    Evidence evidence = server();
    evidence.causes = {cause("peer gone")};
    EXPECT_THAT(names(advise(evidence)),
                ElementsAre("client_connection_check_interval", "tcp_keepalives_idle"));
    set(evidence, "client_connection_check_interval", "10000");
    set(evidence, "tcp_keepalives_idle", "0");  // what a Unix socket shows of any value
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, LongTransactionsAskForATimeoutFrom17On) {
    Evidence evidence = server();
    TransactionFacts open;
    open.application_name = "report";
    open.usename = "api";
    open.state = "active";
    open.xact_for = Seconds{2 * kHour};
    open.blocked_by = 2;
    evidence.transactions = {open};
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.server.version_number = 170'000;
    ASSERT_THAT(names(advise(evidence)), ElementsAre("transaction_timeout"));
    EXPECT_THAT(advise(evidence)[0].evidence,
                HasSubstr("of report has been open for 2h and works; it blocks 2 sessions"));
    evidence.transactions[0].state = "idle in transaction";
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.transactions[0].state = "active";
    evidence.transactions[0].xact_for = Seconds{kHour - 1};
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, NodeClientsAreToBePreparedBeforeTheyAreEnded) {
    Evidence evidence = server();
    evidence.causes = {cause("abandoned")};
    evidence.causes[0].application_name = "node-api";
    auto advice = advise(evidence);
    ASSERT_FALSE(advice.empty());
    EXPECT_EQ(advice.back().name, "pool.on('error')");
    EXPECT_EQ(advice.back().about, "application node-api");
    evidence.causes.clear();
    EXPECT_THAT(advise(evidence), IsEmpty());
    ReapFacts reap;
    reap.application_name = "node-api";
    reap.outcome = "would";
    evidence.reaps = {reap};
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.reaps[0].outcome = "ended";
    EXPECT_THAT(names(advise(evidence)), ElementsAre("pool.on('error')"));
}

TEST(Settings, WithoutActivitiesNothingIsKnown) {
    Evidence evidence = server();
    set(evidence, "track_activities", "off");
    EXPECT_THAT(names(advise(evidence)), ElementsAre("track_activities"));
}

// --- the server ----------------------------------------------------------------------------

Evidence full(Evidence evidence) {
    evidence.connections.peak_used = 100;
    evidence.connections.refused_too_many_clients = 7;
    return evidence;
}

TEST(Settings, AServerThatWasFullKeepsSlotsForMonitoring) {
    Evidence evidence = full(server());
    EXPECT_THAT(advise(evidence), IsEmpty());  // 15 has none, and superusers have 3
    evidence.server.version_number = 160'000;
    ASSERT_THAT(names(advise(evidence)), ElementsAre("reserved_connections"));
    EXPECT_THAT(advise(evidence)[0].evidence,
                HasSubstr("100 of 100 connections were taken at the peak, and 7 connections "
                          "refused; none is reserved"));
    set(evidence, "reserved_connections", "5");
    EXPECT_THAT(advise(evidence), IsEmpty());
    set(evidence, "superuser_reserved_connections", "1");
    EXPECT_THAT(names(advise(evidence)), ElementsAre("superuser_reserved_connections"));
}

PoolPlan plan_of(std::int64_t sessions, std::int64_t connections) {
    PoolAdvice pool;
    pool.application_name = "shop";
    pool.usename = "api";
    pool.sessions_peak = sessions;
    pool.per_instance = pool.connections = pool.role_connections = connections;
    pool.measured = true;
    pool.confidence = Confidence::kMedium;
    PoolPlan plan;
    plan.pools = {pool};
    plan.wanted = connections;
    plan.limit = 94;
    return plan;
}

TEST(Settings, ARoleThatTakesFarMoreThanItNeedsIsLimited) {
    const Evidence evidence = full(server());
    const auto advice = advise(evidence, plan_of(60, 20));
    ASSERT_THAT(names(advice), ElementsAre("CONNECTION LIMIT", "max_connections"));
    EXPECT_EQ(advice[0].paste, "ALTER ROLE \"api\" CONNECTION LIMIT 20;\n");
    EXPECT_THAT(names(advise(evidence, plan_of(40, 20))), ElementsAre("max_connections"));
    EXPECT_THAT(advise(server(), plan_of(60, 20)), IsEmpty());  // it was never full
    PoolPlan collecting = plan_of(60, 20);
    collecting.pools[0].collecting = true;
    EXPECT_THAT(names(advise(evidence, collecting)), ElementsAre("max_connections"));
    PoolPlan capped = plan_of(60, 20);  // it needs more than it would get
    capped.pools[0].capped = true;
    EXPECT_THAT(names(advise(evidence, capped)), ElementsAre("max_connections"));
}

TEST(Settings, AFullServerNeedNotGrowWhereItsPoolsAreTooLarge) {
    const auto advice = advise(full(server()), plan_of(40, 20));
    ASSERT_THAT(names(advice), ElementsAre("max_connections"));
    EXPECT_EQ(advice[0].paste, "");
    EXPECT_THAT(advice[0].does, HasSubstr("need not be raised"));
    PoolPlan over = plan_of(40, 20);
    over.over = true;
    EXPECT_THAT(advise(full(server()), over), IsEmpty());
}

TEST(Settings, FarMoreConnectionsThanAnybodyNeedsAreNamed) {
    Evidence evidence = server();
    evidence.connections.max_connections = 1000;
    auto advice = advise(evidence, plan_of(40, 20));
    ASSERT_THAT(names(advice), ElementsAre("max_connections"));
    EXPECT_THAT(advice[0].paste, HasSubstr("max_connections = 100;"));
    EXPECT_EQ(advice[0].undo, "ALTER SYSTEM SET max_connections = 1000;\n");
    advice = advise(evidence, plan_of(40, 151));
    EXPECT_THAT(advice.at(0).paste, HasSubstr("max_connections = 310;"));
    EXPECT_THAT(advise(evidence, plan_of(40, 333)), IsEmpty());
    evidence.connections.max_connections = 100;  // the default is no fault
    evidence.connections.peak_used = 10;
    EXPECT_THAT(advise(evidence, plan_of(40, 5)), IsEmpty());
    evidence.connections.max_connections = 1000;
    evidence.connections.peak_used = 333;
    EXPECT_THAT(advise(evidence, plan_of(40, 20)), IsEmpty());
}

TEST(Settings, WhatWasMeasuredForADayOnlyDecidesOnARestart) {
    Evidence evidence = server();
    evidence.connections.max_connections = 1000;
    PoolPlan plan = plan_of(40, 20);
    plan.pools[0].confidence = Confidence::kLow;
    EXPECT_THAT(advise(evidence, plan), IsEmpty());
    plan.pools[0].confidence = Confidence::kMedium;
    evidence.connections.stats_reset = Instant{kNow - kDay * kSecond + kSecond};
    EXPECT_THAT(advise(evidence, plan), IsEmpty());
}

DatabaseFacts blocks(std::int64_t hit, std::int64_t read) {
    DatabaseFacts facts;
    facts.blks_hit = hit;
    facts.blks_read = read;
    return facts;
}

TEST(Settings, FewHitsInTheDefaultBuffersAreNamed) {
    Evidence evidence = server();
    evidence.databases = {blocks(500'000, 400'000), blocks(100'000, 0)};
    const auto advice = advise(evidence);
    ASSERT_THAT(names(advice), ElementsAre("shared_buffers"));
    EXPECT_EQ(advice[0].paste, "");  // the memory of the machine is not known
    EXPECT_THAT(advice[0].evidence,
                HasSubstr("shared_buffers is 128 MB, and 60 % of 1 million blocks"));
    evidence.databases = {blocks(950'000, 50'000)};
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.databases = {blocks(500, 400)};
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.databases = {blocks(500'000, 500'000)};
    set(evidence, "shared_buffers", "131072");
    EXPECT_THAT(advise(evidence), IsEmpty());
}

TEST(Settings, SortsThatSpillAskForMemoryOfTheirRole) {
    Evidence evidence = server();
    SlowFacts slow;
    slow.query = "SELECT * FROM t ORDER BY x";
    slow.usename = "api";
    slow.calls = 10;
    slow.temp_blks_written = 10 * 1280;  // 10 MB each
    evidence.slow = {slow};
    const auto advice = advise(evidence);
    ASSERT_THAT(names(advice), ElementsAre("work_mem"));
    EXPECT_EQ(advice[0].paste, "ALTER ROLE \"api\" SET work_mem = '32MB';\n");
    EXPECT_THAT(advice[0].evidence, HasSubstr("wrote 10.0 MB of temporary files each time"));
    evidence.slow[0].temp_blks_written *= 100;  // more than is wise for every session
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.slow[0].temp_blks_written = 10 * 64;  // 0.5 MB: not for want of work_mem
    EXPECT_THAT(advise(evidence), IsEmpty());
    evidence.slow[0].temp_blks_written = 10 * 1280;
    evidence.role_settings = {{"api", "", "work_mem", "16MB"}};
    EXPECT_THAT(advise(evidence), IsEmpty());
}

}  // namespace
}  // namespace leash::tool
