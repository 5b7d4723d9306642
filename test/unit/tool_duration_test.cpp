#include "core/duration.h"

#include <gtest/gtest.h>

#include <cstdint>
#include <string>

namespace leash {
namespace {

std::string words(std::int64_t us) {
    char buffer[kDurationTextSize];
    const std::size_t length = format_duration(us, buffer, sizeof(buffer));
    EXPECT_EQ(std::string(buffer).size(), length);
    return buffer;
}

constexpr std::int64_t kSecond = 1'000'000;
constexpr std::int64_t kMinute = 60 * kSecond;
constexpr std::int64_t kHour = 60 * kMinute;
constexpr std::int64_t kDay = 24 * kHour;

TEST(ParseDuration, TakesEveryUnitOfPostgres) {
    EXPECT_EQ(parse_duration("7us").microseconds, 7);
    EXPECT_EQ(parse_duration("7ms").microseconds, 7'000);
    EXPECT_EQ(parse_duration("90s").microseconds, 90 * kSecond);
    EXPECT_EQ(parse_duration("5min").microseconds, 5 * kMinute);
    EXPECT_EQ(parse_duration("2h").microseconds, 2 * kHour);
    EXPECT_EQ(parse_duration("1d").microseconds, kDay);
    EXPECT_EQ(parse_duration("0s").microseconds, 0);
    EXPECT_TRUE(parse_duration("0s").ok());
}

TEST(ParseDuration, TakesFractionsAndSums) {
    EXPECT_EQ(parse_duration("1.5h").microseconds, 90 * kMinute);
    EXPECT_EQ(parse_duration(".5s").microseconds, kSecond / 2);
    EXPECT_EQ(parse_duration("1.2345678s").microseconds, 1'234'567);
    EXPECT_EQ(parse_duration(" 1h 30min ").microseconds, 90 * kMinute);
    EXPECT_EQ(parse_duration("1h30min").microseconds, 90 * kMinute);
    EXPECT_EQ(parse_duration("2 d 4 h").microseconds, 2 * kDay + 4 * kHour);
}

struct BadDuration {
    const char* text;
    DurationProblem problem;
};

class ParseDurationRefuses : public testing::TestWithParam<BadDuration> {};

TEST_P(ParseDurationRefuses, AndSaysWhy) {
    const ParsedDuration parsed = parse_duration(GetParam().text);
    EXPECT_EQ(parsed.problem, GetParam().problem) << GetParam().text;
    EXPECT_EQ(parsed.microseconds, 0);
}

INSTANTIATE_TEST_SUITE_P(All, ParseDurationRefuses,
                         testing::Values(BadDuration{"", DurationProblem::kEmpty},
                                         BadDuration{"  ", DurationProblem::kEmpty},
                                         BadDuration{"-5s", DurationProblem::kNegative},
                                         BadDuration{"5", DurationProblem::kNoUnit},
                                         BadDuration{"1h 5", DurationProblem::kNoUnit},
                                         BadDuration{"5m", DurationProblem::kUnknownUnit},
                                         BadDuration{"5S", DurationProblem::kUnknownUnit},
                                         BadDuration{"5seconds", DurationProblem::kUnknownUnit},
                                         BadDuration{"s", DurationProblem::kMalformed},
                                         BadDuration{".s", DurationProblem::kMalformed},
                                         BadDuration{"1..5s", DurationProblem::kMalformed},
                                         BadDuration{"5s x", DurationProblem::kMalformed},
                                         BadDuration{"5s5s", DurationProblem::kMalformed},
                                         BadDuration{"5s 1h", DurationProblem::kMalformed},
                                         BadDuration{"1e3s", DurationProblem::kUnknownUnit},
                                         BadDuration{"1h -5s", DurationProblem::kMalformed},
                                         BadDuration{"1000001d", DurationProblem::kTooLarge},
                                         BadDuration{"1000000d 1us", DurationProblem::kTooLarge},
                                         BadDuration{"99999999999999999999999999us",
                                                     DurationProblem::kTooLarge}));

TEST(ParseDuration, TakesTheMaximumItself) {
    EXPECT_EQ(parse_duration("1000000d").microseconds, kMaxDurationUs);
    EXPECT_EQ(parse_duration("86400000000000000us").microseconds, kMaxDurationUs);
}

TEST(FormatDuration, KeepsTheTwoLargestUnits) {
    EXPECT_EQ(words(0), "0s");
    EXPECT_EQ(words(7), "7us");
    EXPECT_EQ(words(1'999), "1.9ms");
    EXPECT_EQ(words(999'999), "999ms");
    EXPECT_EQ(words(kSecond), "1.0s");
    EXPECT_EQ(words(9'999'999), "9.9s");
    EXPECT_EQ(words(59'999'999), "59s");
    EXPECT_EQ(words(kMinute), "1min");
    EXPECT_EQ(words(5 * kMinute + 3 * kSecond), "5min 3s");
    EXPECT_EQ(words(3 * kHour + 59 * kSecond), "3h");
    EXPECT_EQ(words(3 * kHour + 5 * kMinute), "3h 5min");
    EXPECT_EQ(words(12 * kDay + 4 * kHour + 59 * kMinute), "12d 4h");
    EXPECT_EQ(words(-5 * kSecond), "-5.0s");
}

TEST(FormatDuration, SurvivesTheLimitsOfItsType) {
    EXPECT_EQ(words(INT64_MAX), "106751991d 4h");
    EXPECT_EQ(words(INT64_MIN), "-106751991d 4h");
    char small[kDurationTextSize - 1];
    EXPECT_EQ(format_duration(kSecond, small, sizeof(small)), 0U);
}

// What is shown can be given back as an option, and never overstates.
TEST(Duration, RoundTripNeverOverstates) {
    std::int64_t us = 1;
    while (us < kMaxDurationUs) {
        const std::string text = words(us);
        const ParsedDuration back = parse_duration(text);
        ASSERT_TRUE(back.ok()) << text;
        EXPECT_LE(back.microseconds, us) << text;
        EXPECT_GE(back.microseconds, us - us / 9 - 1) << text;
        us += us / 3 + 1;
    }
}

TEST(Duration, EveryProblemHasWords) {
    for (int i = 0; i <= static_cast<int>(DurationProblem::kTooLarge); ++i) {
        EXPECT_NE(std::string(describe(static_cast<DurationProblem>(i))), "");
    }
}

}  // namespace
}  // namespace leash
