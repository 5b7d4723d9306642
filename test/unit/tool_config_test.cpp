#include "config/config.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.h"
#include "config/settings.h"
#include "health/settings.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

HealthSettings settings_of(const std::string& text) {
    return health_settings(Settings::read({Config::parse(text, "f")}, {}));
}

// What is said of a text that is wrong; empty when it is not.
std::string refusal_of(const std::string& text) {
    try {
        settings_of(text);
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

TEST(Config, IsReadByTables) {
    ConfigTable table = Config::parse(
                            "[health]\na = 'x'\nb = 2\nc = true\nd = '90s'\ne = ['y']\n"
                            "[health.more]\nz = 0.5\ny = 1\n",
                            "f")
                            .root()
                            .table("health");
    EXPECT_EQ(table.text("a"), "x");
    EXPECT_EQ(table.number("b"), 2);
    EXPECT_EQ(table.boolean("c"), true);
    EXPECT_EQ(table.duration("d"), 90'000'000);
    EXPECT_THAT(table.texts("e").value(), ElementsAre("y"));
    EXPECT_THAT(table.table("more").keys(), ElementsAre("z", "y"));
    EXPECT_EQ(table.table("more").place("y"), "f:9:1");
    EXPECT_EQ(table.text("nonesuch"), std::nullopt);
    EXPECT_NO_THROW(table.refuse_others());
}

TEST(Config, MayBeEmpty) {
    ConfigTable table = Config::parse("", "f").root().table("health");
    EXPECT_EQ(table.number("a"), std::nullopt);
    EXPECT_THAT(table.table("b").keys(), IsEmpty());
    EXPECT_NO_THROW(table.refuse_others());
}

TEST(Config, NamesThePlaceOfWhatIsWrong) {
    EXPECT_EQ(refusal_of("[health]\ntimeuot = '1s'\n"),
              "f:2:1: unknown key \"timeuot\"; did you mean \"timeout\"?");
    EXPECT_EQ(refusal_of("[health]\nxyz = 1\n"),
              "f:2:1: unknown key \"xyz\"; the keys are timeout, only, skip, warning, critical");
    EXPECT_EQ(refusal_of("[helth]\n"), "f:1:2: unknown key \"helth\"; did you mean \"health\"?");
    EXPECT_EQ(refusal_of("\n[health]\n  timeout = 10\n"),
              "f:3:13: timeout: write a duration in quotes, such as \"10s\" or \"5min\"");
    EXPECT_EQ(refusal_of("[health]\ntimeout = '0s'\n"),
              "f:2:11: timeout: write a duration above zero, such as 90s or 5min");
    EXPECT_EQ(refusal_of("[health]\nonly = 'a'\n"),
              "f:2:8: only: write a list of texts, such as [\"a\", \"b\"]");
    EXPECT_EQ(refusal_of("[health]\nwarning = 1\n"),
              "f:2:11: warning: write a table, which begins with [health.warning]");
    EXPECT_EQ(refusal_of("[health.warning]\nleaked = true\n"), "f:2:10: leaked: write a number");
    EXPECT_EQ(refusal_of("[health.warning]\nleaked = nan\n"), "f:2:10: leaked: write a number");
    EXPECT_EQ(refusal_of("health = 1\n"),
              "f:1:10: health: write a table, which begins with [health]");
    EXPECT_THAT(refusal_of("[health\n"), testing::StartsWith("f:1:8: "));
}

TEST(HealthSettings, LimitsAreNumbersOrRanges) {
    const HealthSettings settings = settings_of(
        "[health]\ntimeout = '1500ms'\nskip = ['worker']\n"
        "[health.warning]\nleaked = 3\ncache_hit = '0.9:'\nrefused = 'off'\n"
        "[health.critical]\nleaked = 5.5\n");
    EXPECT_EQ(settings.timeout_seconds, 1.5);
    EXPECT_THAT(settings.skip, ElementsAre("worker"));
    ASSERT_EQ(settings.limits.size(), 4U);
    EXPECT_EQ(settings.limits[0].limit->value, 3);
    EXPECT_EQ(settings.limits[1].limit->value, 0.9);
    EXPECT_TRUE(settings.limits[1].limit->low_is_bad);
    EXPECT_FALSE(settings.limits[2].limit.has_value());
    EXPECT_EQ(settings.limits[3].level, HealthStatus::kCritical);
    EXPECT_EQ(settings.limits[3].origin, "f:9:1");
}

TEST(HealthSettings, TheCommandLineWins) {
    HealthSettings given;
    given.limits = {parse_limit(HealthStatus::kWarning, "--warning", "leaked=7")};
    given.only = {"leaked"};
    given.timeout_seconds = 2;
    const HealthSettings settings =
        merged(settings_of("[health]\ntimeout = '9s'\nonly = ['refused']\n"
                           "[health.warning]\nleaked = 3\n"),
               given);
    EXPECT_EQ(settings.limits.back().limit->value, 7);
    EXPECT_THAT(settings.only, ElementsAre("leaked"));
    EXPECT_EQ(settings.timeout_seconds, 2);
}

}  // namespace
}  // namespace leash::tool
