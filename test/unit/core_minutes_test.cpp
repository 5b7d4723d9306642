#include "core/minutes.h"

#include <vector>

#include <gtest/gtest.h>

namespace leash {
namespace {

constexpr int64_t kLength = 60'000'000;
constexpr int64_t kNoon = 12 * 60 * kLength;
constexpr int64_t kSecond = 1'000'000;
constexpr uint64_t kSecondNs = 1'000'000'000;

TEST(Minutes, BeginOnTheMinute) {
    EXPECT_EQ(minute_at(kNoon, kLength), kNoon);
    EXPECT_EQ(minute_at(kNoon + kLength - 1, kLength), kNoon);
    EXPECT_EQ(minute_at(-1, kLength), -kLength);  // before 2000
    EXPECT_EQ(minute_at(-kLength, kLength), -kLength);
}

TEST(Minutes, FollowEachOther) {
    const MinutePlan first = plan_minute(kNoon + 20 * kSecond, false, 0, kLength);
    EXPECT_EQ(first.minute, kNoon);
    EXPECT_EQ(first.lasts, 40 * kSecondNs) << "the first one is shorter";
    EXPECT_FALSE(first.goes_on || first.is_set_back);
    const MinutePlan second = plan_minute(kNoon + kLength, true, kNoon, kLength);
    EXPECT_EQ(second.minute, kNoon + kLength);
    EXPECT_EQ(second.lasts, 60 * kSecondNs);
    EXPECT_FALSE(second.goes_on || second.is_set_back);
}

TEST(Minutes, AForwardStepIsAGap) {
    const MinutePlan plan = plan_minute(kNoon + 60 * kLength + kSecond, true, kNoon, kLength);
    EXPECT_EQ(plan.minute, kNoon + 60 * kLength);
    EXPECT_EQ(plan.lasts, 59 * kSecondNs);
    EXPECT_FALSE(plan.goes_on || plan.is_set_back);
}

TEST(Minutes, AClockThatIsALittleLateMakesAMinuteLonger) {
    const MinutePlan plan = plan_minute(kNoon + 58 * kSecond, true, kNoon, kLength);
    EXPECT_TRUE(plan.goes_on);
    EXPECT_FALSE(plan.is_set_back);
    EXPECT_EQ(plan.minute, kNoon);
    EXPECT_EQ(plan.lasts, 2 * kSecondNs);
}

TEST(Minutes, ABackwardStepIsSeen) {
    const MinutePlan plan = plan_minute(kNoon - kSecond, true, kNoon, kLength);
    EXPECT_TRUE(plan.is_set_back);
    EXPECT_FALSE(plan.goes_on);
    EXPECT_EQ(plan.minute, kNoon - kLength);
}

// Rows oldest first, as minutes since noon; the new one is at `minute`.
std::vector<int64_t> with_room(std::vector<int64_t> rows, int64_t minute) {
    const auto at = [&rows](uint64_t i) -> int64_t& { return rows[rows.size() - 1 - i]; };
    make_room(minute, 1, rows.size(), at);
    return rows;
}

using Rows = std::vector<int64_t>;

TEST(Minutes, WhatLiesInTheFutureEndsJustBeforeNow) {
    EXPECT_EQ(with_room({1, 2, 3, 4}, 3), (Rows{-1, 0, 1, 2})) << "all of a piece";
    EXPECT_EQ(with_room({1, 2, 3, 4}, 5), (Rows{1, 2, 3, 4})) << "there is room";
    EXPECT_EQ(with_room({}, 5), Rows{});
    EXPECT_EQ(with_room({7}, -5), (Rows{-6}));
}

// An hour forward by mistake, a few minutes of it, and back.
TEST(Minutes, WhatWasBeforeAWrongStepStays) {
    EXPECT_EQ(with_room({1, 2, 63, 64, 65}, 6), (Rows{1, 2, 3, 4, 5}));
    EXPECT_EQ(with_room({1, 2, 63, 64, 65}, 5), (Rows{0, 1, 2, 3, 4})) << "a minute too few";
}

TEST(Minutes, NoneComesTwiceWhateverTheClockDoes) {
    uint64_t random = 12345;
    int64_t wall = 1000 * kLength;
    std::vector<int64_t> rows;
    for (int i = 0; i < 2000; i++) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        const auto step = static_cast<int64_t>(random >> 40) % (5 * kLength) - 2 * kLength;
        wall += (random >> 33) % 4 == 0 ? step : kLength;
        const bool any = !rows.empty();
        const MinutePlan plan = plan_minute(wall, any, any ? rows.back() : 0, kLength);
        const size_t before = rows.size();
        if (plan.is_set_back) {
            make_room(plan.minute, kLength, rows.size(),
                      [&rows](uint64_t n) -> int64_t& { return rows[rows.size() - 1 - n]; });
        }
        if (!plan.goes_on) {
            rows.push_back(plan.minute);
        }
        ASSERT_GE(rows.size(), before) << "none is lost";
        ASSERT_EQ(rows.back(), minute_at(wall, kLength)) << "the newest is now";
        for (size_t n = 1; n < rows.size(); n++) {
            ASSERT_LT(rows[n - 1], rows[n]) << "in order, none twice";
        }
    }
}

TEST(Minutes, ShortDelaysAreNoGap) {
    EXPECT_FALSE(is_long_over(100 * kSecondNs, 200 * kSecondNs, kLength)) << "it lasts still";
    EXPECT_FALSE(is_long_over(159 * kSecondNs, 100 * kSecondNs, kLength));
    EXPECT_TRUE(is_long_over(160 * kSecondNs, 100 * kSecondNs, kLength));
    EXPECT_FALSE(is_long_over(104 * kSecondNs, 100 * kSecondNs, kSecond)) << "nor in short minutes";
    EXPECT_TRUE(is_long_over(105 * kSecondNs, 100 * kSecondNs, kSecond));
    EXPECT_FALSE(is_long_over(219 * kSecondNs, 100 * kSecondNs, 2 * kLength));
    EXPECT_TRUE(is_long_over(220 * kSecondNs, 100 * kSecondNs, 2 * kLength));
}

}  // namespace
}  // namespace leash
