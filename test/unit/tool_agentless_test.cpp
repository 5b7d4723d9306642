// Sessions without the extension: cells of PostgreSQL's views in, verdicts and rows out.
#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "agentless/health.h"
#include "agentless/rows.h"
#include "agentless/sessions.h"
#include "failure.h"

namespace leash::tool {
namespace {

using ::testing::ElementsAre;
using ::testing::HasSubstr;

constexpr std::uint64_t kSecond = 1'000'000'000;
constexpr std::uint64_t kStart = 5'000 * kSecond;

PlainSession session(const char* pid, const char* state, long seconds) {
    const std::string age = std::to_string(seconds * 1'000'000);
    PlainSession session;
    session.cells = {{"pid", pid},
                     {"session_id", std::string("65f1c2a3.") + pid},
                     {"application_name", "api"},
                     {"usename", "shop"},
                     {"usesysid", "10"},
                     {"datname", "orders"},
                     {"datid", "5"},
                     {"state", state},
                     {"wait_event_type", "Client"},
                     {"wait_event", "ClientRead"},
                     {"backend_start", "2026-03-01T12:00:00.000000Z"},
                     {"state_change", "2026-03-01T12:00:01.000000Z"},
                     {"connected_us", age},
                     {"state_us", age},
                     {"last_statement", "SELECT 1"},
                     {"holds_xmin", "f"},
                     {"holds_locks", "f"},
                     {"advisory_lock", "f"},
                     {"blocked_sessions", "0"},
                     {"now_us", "1772366400000000"}};
    return session;
}

PlainSession with(PlainSession session, const char* name, const Cell& value) {
    session.cells[name] = value;
    return session;
}

// As pg_stat_activity shows it to others.
PlainSession masked(const char* pid) {
    PlainSession session;
    session.cells = {{"pid", pid},         {"application_name", "api"}, {"usename", "shop"},
                     {"usesysid", "10"},   {"datname", "orders"},       {"datid", "5"},
                     {"holds_locks", "t"}, {"advisory_lock", "f"},      {"blocked_sessions", "1"}};
    return session;
}

PlainSample look(std::vector<PlainSession> sessions) {
    PlainSampler sampler(AgentlessThresholds{});
    return sampler.examine(std::move(sessions), kStart);
}

Cell cell(const RawRows& rows, std::size_t row, const char* column) {
    const auto at = std::find(rows.columns.begin(), rows.columns.end(), column);
    return at == rows.columns.end() || row >= rows.rows.size()
               ? Cell("no such cell")
               : rows.rows[row][static_cast<std::size_t>(at - rows.columns.begin())];
}

Leak verdict(const PlainSession& one) {
    return look({one}).sessions[0].verdict.leak;
}

Exempt exempt(const PlainSession& one) {
    return look({one}).sessions[0].verdict.exempt;
}

// --- verdicts ------------------------------------------------------------------------

TEST(Agentless, JudgesByTheRulesOfTheExtension) {
    EXPECT_EQ(verdict(session("1", "idle in transaction", 59)), Leak::none);
    EXPECT_EQ(verdict(session("1", "idle in transaction", 60)), Leak::idle_in_transaction);
    EXPECT_EQ(verdict(session("1", "idle in transaction (aborted)", 60)),
              Leak::aborted_transaction);
    EXPECT_EQ(verdict(session("1", "active", 10'000)), Leak::none);
    EXPECT_EQ(verdict(session("1", "idle", 599)), Leak::none);
    EXPECT_EQ(verdict(session("1", "idle", 600)), Leak::unused);
    EXPECT_EQ(verdict(with(session("1", "idle", 600), "last_statement", "")), Leak::never_used);
}

TEST(Agentless, GivesTheWeightThatLocksTell) {
    PlainSession open = session("1", "idle in transaction", 60);
    EXPECT_EQ(look({open}).sessions[0].verdict.weight, Weight::holds_a_slot);
    open = with(open, "holds_locks", "t");
    EXPECT_EQ(look({open}).sessions[0].verdict.weight, Weight::holds_locks);
    open = with(open, "holds_xmin", "t");
    EXPECT_EQ(look({open}).sessions[0].verdict.weight, Weight::holds_back_xmin);
    open = with(open, "blocked_sessions", "3");
    EXPECT_EQ(look({open}).sessions[0].verdict.weight, Weight::blocks_others);
}

TEST(Agentless, ExemptsWhatTheLastStatementTells) {
    const PlainSession idle = session("1", "idle", 600);
    EXPECT_EQ(exempt(idle), Exempt::none);
    EXPECT_EQ(exempt(with(idle, "last_statement", "listen jobs")), Exempt::listens);
    EXPECT_EQ(exempt(with(idle, "advisory_lock", "t")), Exempt::advisory_lock);
    EXPECT_EQ(exempt(with(idle, "last_statement", "SELECT pg_backup_start('x')")), Exempt::backup);
}

// Ten of an application may rest; what a pooler appends to a name makes no other one.
TEST(Agentless, JudgesPoolsAsAWhole) {
    std::vector<PlainSession> pool;
    for (int i = 1; i <= 12; i++) {
        const std::string pid = std::to_string(i);
        pool.push_back(with(session(pid.c_str(), "idle", 600 + i), "application_name",
                            "api - 10.0.0." + pid + ":5000"));
    }
    const PlainSample sample = look(pool);
    const auto abandoned =
        std::count_if(sample.sessions.begin(), sample.sessions.end(),
                      [](const auto& s) { return s.verdict.leak == Leak::abandoned; });
    EXPECT_EQ(abandoned, 2);
    EXPECT_EQ(sample.sessions[11].verdict.leak, Leak::abandoned);  // the oldest
    EXPECT_THAT(sample.sessions[11].reason, HasSubstr("idle"));
}

// --- several looks ------------------------------------------------------------------

// The server's clock is set back by an hour: ours goes on.
TEST(Agentless, AgesByItsOwnClockFromTheSecondLookOn) {
    PlainSampler sampler(AgentlessThresholds{});
    sampler.examine({session("1", "idle in transaction", 50)}, kStart);
    const PlainSession set_back = with(session("1", "idle in transaction", 50), "state_us", "-1");
    const PlainSample sample = sampler.examine({set_back}, kStart + 20 * kSecond);
    EXPECT_EQ(sample.sessions[0].facts.state_for, 70 * kSecond);
    EXPECT_EQ(sample.sessions[0].verdict.leak, Leak::idle_in_transaction);
}

TEST(Agentless, StartsAnewWithANewState) {
    PlainSampler sampler(AgentlessThresholds{});
    sampler.examine({session("1", "idle in transaction", 100)}, kStart);
    const PlainSession moved =
        with(session("1", "idle in transaction", 1), "state_change", "2026-03-01T12:30:00.000000Z");
    EXPECT_EQ(sampler.examine({moved}, kStart + kSecond).sessions[0].facts.state_for, kSecond);
}

TEST(Agentless, AStalledClientIsSeenByLooksAlone) {
    PlainSampler sampler(AgentlessThresholds{});
    const PlainSession copy = session("1", "active", 3'600);
    EXPECT_EQ(sampler.examine({copy}, kStart).sessions[0].verdict.leak, Leak::none);
    EXPECT_EQ(sampler.examine({copy}, kStart + 59 * kSecond).sessions[0].verdict.leak, Leak::none);
    EXPECT_EQ(sampler.examine({copy}, kStart + 60 * kSecond).sessions[0].verdict.leak,
              Leak::stalled_client);
    const PlainSession works = with(copy, "wait_event_type", std::nullopt);
    EXPECT_EQ(sampler.examine({works}, kStart + 61 * kSecond).sessions[0].verdict.leak, Leak::none);
    EXPECT_EQ(sampler.examine({copy}, kStart + 130 * kSecond).sessions[0].verdict.leak, Leak::none);
}

TEST(Agentless, OnePeakIsNone) {
    PlainSampler sampler(AgentlessThresholds{});
    const Slots slots{100, 3, 4};
    PlainSample sample =
        sampler.examine({session("1", "active", 1), session("2", "idle", 1)}, kStart);
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "sessions_peak"), std::nullopt);
    EXPECT_EQ(cell(connection_rows(slots, sample, sampler), 0, "peak_used"), std::nullopt);
    sample = sampler.examine({session("1", "idle", 1)}, kStart + kSecond);
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "sessions_peak"), "2");
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "in_use_peak"), "1");
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "in_use"), "0");
    EXPECT_EQ(cell(connection_rows(slots, sample, sampler), 0, "peak_used"), "3");
}

// --- what may not be seen ----------------------------------------------------------------

TEST(Agentless, WhatIsMaskedIsNull) {
    const PlainSample sample = look({masked("1"), session("2", "idle in transaction", 60)});
    EXPECT_EQ(sample.masked, 1U);
    const RawRows rows = session_rows(sample);
    EXPECT_EQ(cell(rows, 0, "application_name"), "api");
    for (const char* name : {"session_id", "state", "client_addr", "xact_for", "idle_for", "leak",
                             "exempt", "in_use"}) {
        EXPECT_EQ(cell(rows, 0, name), std::nullopt) << name;
    }
    EXPECT_EQ(cell(rows, 1, "in_use"), "t");
    EXPECT_EQ(leak_rows(sample).rows.size(), 1U);
}

TEST(Agentless, SumsThatNeedWhatIsMaskedAreNull) {
    const PlainSampler sampler(AgentlessThresholds{});
    const PlainSample sample = look({masked("1"), session("2", "active", 1)});
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "sessions"), "2");
    EXPECT_EQ(cell(application_rows(sample, sampler), 0, "in_use"), std::nullopt);
    const RawRows rows = connection_rows({100, 3, 3}, sample, sampler);
    EXPECT_EQ(cell(rows, 0, "used"), "3");
    for (const char* name : {"active", "idle", "idle_in_transaction"}) {
        EXPECT_EQ(cell(rows, 0, name), std::nullopt) << name;
    }
}

// --- health ------------------------------------------------------------------------------

std::vector<std::string> names_of(const RawRows& rows) {
    std::vector<std::string> names;
    for (const Row& row : rows.rows) {
        names.push_back(row[0].value_or(""));
    }
    return names;
}

ServerCounts counts() {
    ServerCounts counts;
    counts.slots = {100, 3, 10};
    counts.sees_all = true;
    return counts;
}

TEST(AgentlessHealth, HasTheChecksThatCanBeAnswered) {
    EXPECT_THAT(
        names_of(health_rows(counts(), look({}))),
        ElementsAre("connections", "leaked", "blocked", "lock_wait", "xmin_age", "cache_hit"));
    ServerCounts few = counts();
    few.sees_all = false;
    EXPECT_THAT(names_of(health_rows(few, look({masked("1")}))),
                ElementsAre("connections", "blocked", "lock_wait", "cache_hit"));
}

TEST(AgentlessHealth, CountsWaitsOfASecond) {
    const RawRows rows =
        health_rows(counts(), look({
                                  with(session("1", "active", 1), "lock_wait", "0.9"),
                                  with(session("2", "active", 9), "lock_wait", "61.5"),
                                  with(session("3", "active", 9), "lock_wait", "1"),
                                  session("4", "active", 9),
                              }));
    EXPECT_EQ(cell(rows, 2, "value"), "2");
    EXPECT_EQ(cell(rows, 2, "status"), "ok");
    EXPECT_EQ(cell(rows, 3, "value"), "61.5");
    EXPECT_EQ(cell(rows, 3, "status"), "critical");
    EXPECT_EQ(cell(rows, 3, "message"), "3 sessions wait for a lock, pid 2 for 1min 1s");
}

TEST(AgentlessHealth, HoldsValuesAgainstLimits) {
    ServerCounts full = counts();
    full.slots = {103, 3, 80};
    full.xmin_age = 100'000'000;
    full.xmin_holder = "a replication slot";
    full.blks_hit = 7'000;
    full.blks_read = 3'000;
    const RawRows rows = health_rows(full, look({session("1", "idle in transaction", 60)}));
    EXPECT_EQ(cell(rows, 0, "value"), "0.8");
    EXPECT_EQ(cell(rows, 0, "status"), "warning");
    EXPECT_EQ(cell(rows, 1, "status"), "warning");
    EXPECT_EQ(cell(rows, 1, "critical"), "50");
    EXPECT_EQ(cell(rows, 4, "status"), "critical");
    EXPECT_EQ(cell(rows, 4, "message"),
              "what died in the last 100000000 transactions is kept for a replication slot");
    EXPECT_EQ(cell(rows, 5, "status"), "warning");
    EXPECT_EQ(cell(rows, 5, "value"), "0.7");
    EXPECT_EQ(cell(rows, 5, "message"),
              "70.0 % of 10000 blocks were found in shared buffers since the server's statistics "
              "began");
}

TEST(AgentlessHealth, OfFewBlocksThereIsNoShare) {
    ServerCounts few = counts();
    few.blks_read = 9'999;
    few.stats_reset = "2026-03-01 12:00 UTC";
    const RawRows rows = health_rows(few, look({}));
    EXPECT_EQ(cell(rows, 5, "value"), std::nullopt);
    EXPECT_EQ(cell(rows, 5, "status"), "ok");
    EXPECT_THAT(*cell(rows, 5, "message"), HasSubstr("(the last time at 2026-03-01 12:00 UTC)"));
}

// --- thresholds --------------------------------------------------------------------------

TEST(AgentlessThresholds, CommandLineWinsThenTheFile) {
    const Settings settings = Settings::read(
        {Config::parse(
            "[agentless]\nidle_threshold = \"5min\"\nslow_statement_threshold = \"100ms\"\n",
            "file")},
        {});
    ChosenThresholds options;
    options.idle = 7;
    const AgentlessThresholds merged_ones = completed(merged(options, chosen_thresholds(settings)));
    EXPECT_EQ(merged_ones.idle, 7);
    EXPECT_EQ(merged_ones.slow_statement, 100'000);
    EXPECT_EQ(merged_ones.never_used, 600'000'000);
}

TEST(AgentlessThresholds, AWrongKeyIsRefused) {
    const Config config = Config::parse("[agentless]\nidle = \"5min\"\n", "file");
    EXPECT_THROW(Settings::read({config}, {}), Failure);
}

}  // namespace
}  // namespace leash::tool
