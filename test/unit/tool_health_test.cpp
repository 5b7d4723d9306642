#include "health/checks.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/columns.h"
#include "failure.h"
#include "health/nagios.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;

Row row(const char* name, const char* status, Cell value, Cell warning, Cell critical) {
    return {name,
            status,
            std::move(value),
            std::move(warning),
            std::move(critical),
            std::string(name) + " speaks"};
}

std::vector<Check> checks(std::vector<Row> rows) {
    return checks_of({columns_of(Listing::kHealth), std::move(rows)});
}

std::vector<Check> usual() {
    return checks({row("worker", "ok", "0.5", std::nullopt, "10"),
                   row("connections", "warning", "0.85", "0.8", "0.95"),
                   row("cache_hit", "ok", "0.97", "0.9", "0.7"),
                   row("leaked", "critical", "60", "1", "48")});
}

HealthSettings with_limit(HealthStatus level, const std::string& text) {
    HealthSettings settings;
    settings.limits = {parse_limit(level, "--option", text)};
    return settings;
}

HealthStatus status_with(const std::string& check, HealthStatus level, const std::string& text) {
    for (const Check& each : examined(usual(), with_limit(level, text))) {
        if (each.name == check) {
            return each.status;
        }
    }
    return HealthStatus::kUnknown;
}

std::string refusal(const HealthSettings& settings) {
    try {
        examined(usual(), settings);
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

TEST(Health, TheWorstCheckIsFirst) {
    EXPECT_EQ(
        nagios_text(examined(usual(), {})),
        "PGLEASH CRITICAL - leaked: leaked speaks (and 1 more of 4 checks) | leaked=60;1;48;0 "
        "connections=0.85;0.8;0.95;0 worker=0.5;;10;0 cache_hit=0.97;0.9:;0.7:;0\n"
        "CRITICAL leaked: leaked speaks (value 60, warning 1, critical 48)\n"
        "WARNING connections: connections speaks (value 0.85, warning 0.8, critical 0.95)\n"
        "OK worker: worker speaks (value 0.5, critical 10)\n"
        "OK cache_hit: cache_hit speaks (value 0.97, warning 0.9:, critical "
        "0.7:)\n");
}

TEST(Health, OneLineWhenAllIsWell) {
    HealthSettings settings;
    settings.only = {"worker"};
    EXPECT_EQ(nagios_text(examined(usual(), settings)),
              "PGLEASH OK - 1 check passed: worker speaks | worker=0.5;;10;0\n"
              "OK worker: worker speaks (value 0.5, critical 10)\n");
    EXPECT_EQ(nagios_text({}), "PGLEASH UNKNOWN - there is nothing to check\n");
    EXPECT_EQ(worst_of({}), HealthStatus::kUnknown);
}

TEST(Health, TextCannotForgePerformanceData) {
    std::vector<Check> evil = checks({row("a b'=c", "warning", "1", std::nullopt, std::nullopt)});
    evil.front().message = "x | y\nz\033[2J";
    const std::string text = nagios_text(evil);
    EXPECT_THAT(text, HasSubstr("WARNING - a b'=c: x / y z\\x1b[2J | 'a bc'=1;;;0\n"));
}

TEST(Health, LimitsMayBeChanged) {
    using enum HealthStatus;
    EXPECT_EQ(status_with("connections", kWarning, "connections=0.9"), kOk);
    EXPECT_EQ(status_with("connections", kCritical, "connections=0.85"), kCritical);
    EXPECT_EQ(status_with("connections", kWarning, "connections=off"), kOk);
    EXPECT_EQ(status_with("leaked", kCritical, "leaked=100"), kWarning);
    EXPECT_EQ(status_with("worker", kWarning, "worker=0.5"), kWarning);
}

TEST(Health, SomeLimitsAreReachedFromAbove) {
    using enum HealthStatus;
    EXPECT_EQ(status_with("cache_hit", kWarning, "cache_hit=0.98"), kWarning);
    EXPECT_EQ(status_with("cache_hit", kCritical, "cache_hit=0.97"), kCritical);
    EXPECT_EQ(status_with("cache_hit", kWarning, "cache_hit=0.97"), kWarning);
    EXPECT_EQ(status_with("cache_hit", kWarning, "cache_hit=0.96"), kOk);
    EXPECT_EQ(status_with("cache_hit", kCritical, "cache_hit=0.96"), kOk);
    EXPECT_EQ(status_with("worker", kWarning, "worker=0.6:"), kWarning);
    EXPECT_EQ(status_with("worker", kWarning, "worker=0.4:"), kOk);
}

// The server's own limits: the critical one is the lower one.
TEST(Health, ALowShareOfCacheHitsIsBad) {
    const std::vector<Check> all = checks({row("cache_hit", "warning", "0.6", "0.8", "0.5")});
    const auto status = [&](const std::string& text) {
        return examined(all, with_limit(HealthStatus::kCritical, text))[0].status;
    };
    EXPECT_EQ(status("cache_hit=0.59"), HealthStatus::kWarning);
    EXPECT_EQ(status("cache_hit=0.6"), HealthStatus::kCritical);
    EXPECT_EQ(status("cache_hit=off"), HealthStatus::kWarning);
    EXPECT_THAT(nagios_text(all), HasSubstr("| cache_hit=0.6;0.8:;0.5:;0\n"));
}

// The tracker has no critical limit unless somebody wants one.
TEST(Health, WhatTheTrackerLostMayBeCritical) {
    const std::vector<Check> all = checks({row("tracker", "warning", "40", "1", std::nullopt)});
    EXPECT_EQ(worst_of(all), HealthStatus::kWarning);
    const auto status = [&](const std::string& text) {
        return examined(all, with_limit(HealthStatus::kCritical, text))[0].status;
    };
    EXPECT_EQ(status("tracker=41"), HealthStatus::kWarning);
    EXPECT_EQ(status("tracker=40"), HealthStatus::kCritical);
    EXPECT_EQ(examined(all, with_limit(HealthStatus::kWarning, "tracker=50"))[0].status,
              HealthStatus::kOk);
    EXPECT_THAT(nagios_text(all), HasSubstr("| tracker=40;1;;0\n"));
}

// A worker that fails warns, however late it is.
TEST(Health, WhatNoLimitExplainsStays) {
    using enum HealthStatus;
    const std::vector<Check> failing = checks({row("worker", "warning", "0.1", std::nullopt, "10"),
                                               row("gone", "critical", std::nullopt, "1", "2")});
    const std::vector<Check> after = examined(failing, with_limit(kCritical, "worker=20"));
    EXPECT_EQ(after[1].status, kWarning);
    EXPECT_EQ(after[1].critical->value, 20);
    EXPECT_EQ(examined(failing, with_limit(kCritical, "worker=0.05"))[1].status, kWarning);
    EXPECT_EQ(examined(failing, with_limit(kWarning, "gone=off"))[0].status, kCritical);
}

TEST(Health, ChecksAreChosen) {
    HealthSettings settings;
    settings.skip = {"leaked", "tracker"};  // the second one is of another version
    EXPECT_EQ(worst_of(examined(usual(), settings)), HealthStatus::kWarning);
    settings.skip = {"leaked", "connections"};
    EXPECT_EQ(worst_of(examined(usual(), settings)), HealthStatus::kOk);
}

TEST(Health, NamesThatNoCheckHasAreRefused) {
    EXPECT_EQ(refusal(with_limit(HealthStatus::kWarning, "leeked=1")),
              "--option: there is no check \"leeked\"; did you mean \"leaked\"?");
    HealthSettings settings;
    settings.skip = {"nonesuch"};
    EXPECT_EQ(refusal(settings),
              "--skip: there is no check \"nonesuch\"; the checks are worker, connections, "
              "cache_hit, leaked");
    settings = {};
    settings.only = {"tracker"};
    EXPECT_EQ(refusal(settings),
              "--only: this server has no check \"tracker\"; it has worker, connections, "
              "cache_hit, leaked");
}

TEST(Health, LimitsThatAreNoneAreRefused) {
    for (const char* text : {"leaked", "=1", "leaked=", "leaked=x", "leaked=1:2", "leaked=inf",
                             "leaked=nan", "leaked=1 ", "leaked=:"}) {
        EXPECT_THROW(parse_limit(HealthStatus::kWarning, "--warning", text), Failure) << text;
    }
}

}  // namespace
}  // namespace leash::tool
