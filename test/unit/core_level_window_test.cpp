#include "core/level_window.h"

#include <algorithm>

#include <gtest/gtest.h>

namespace leash {
namespace {

constexpr uint64_t kPeriod = 1'000;

// Watches at one level, in steps as a sampler would; returns for how long it has in all.
uint64_t watch(LevelWindow& window, uint64_t watched, uint32_t level, uint64_t time) {
    for (uint64_t step = 0; step < time; step += 10) {
        watched += 10;
        window.advance(watched, kPeriod);
        if (level > 0) {
            window.current.in_use.add(level, 10);
        }
        window.current.sessions_peak = std::max(window.current.sessions_peak, level);
    }
    return watched;
}

bool is_empty(const LevelWindow& window) {
    return window.sessions_peak() == 0 &&
           window.previous.in_use.whole + window.current.in_use.whole == 0;
}

TEST(LevelWindow, IsAllThatWasWatchedAtFirst) {
    LevelWindow window{};
    const uint64_t watched = watch(window, watch(window, 0, 4, 500), 0, 300);
    EXPECT_EQ(window.measured(watched), 800U);
    EXPECT_DOUBLE_EQ(window.in_use(watched).mean(), 2.5);
    EXPECT_EQ(window.in_use(watched).peak, 4U);
    EXPECT_EQ(window.sessions_peak(), 4U);
}

// A month at 2, then two periods at 16: the month does not count any more.
TEST(LevelWindow, ForgetsWhatIsOlderThanTwoPeriods) {
    LevelWindow window{};
    uint64_t watched = watch(window, 0, 2, 4 * kPeriod);
    EXPECT_DOUBLE_EQ(window.in_use(watched).mean(), 2);
    watched = watch(window, watched, 16, 2 * kPeriod);
    EXPECT_DOUBLE_EQ(window.in_use(watched).mean(), 16);
    EXPECT_EQ(window.in_use(watched).percentile(0.001), 16U);
}

TEST(LevelWindow, ForgetsPeaksToo) {
    LevelWindow window{};
    uint64_t watched = watch(window, 0, 40, 10);
    watched = watch(window, watched, 3, kPeriod - 20);
    EXPECT_EQ(window.in_use(watched).peak, 40U);
    watched = watch(window, watched, 3, kPeriod);
    EXPECT_EQ(window.in_use(watched).peak, 40U);
    EXPECT_EQ(window.sessions_peak(), 40U);
    watched = watch(window, watched, 3, kPeriod);
    EXPECT_EQ(window.in_use(watched).peak, 3U);
    EXPECT_EQ(window.sessions_peak(), 3U);
}

// Once as much is known, it is never about less than one period or more than two.
TEST(LevelWindow, IsBetweenOnePeriodAndTwo) {
    LevelWindow window{};
    uint64_t watched = watch(window, 0, 1, kPeriod);
    for (int i = 0; i < 500; i++) {
        watched = watch(window, watched, i % 2 == 0 ? 3 : 5, 10);
        EXPECT_GE(window.measured(watched), kPeriod);
        EXPECT_LE(window.measured(watched), 2 * kPeriod);
        // All that was added is there, and nothing is at level 0.
        EXPECT_EQ(window.in_use(watched).time[0], 0U);
        EXPECT_LE(window.in_use(watched).whole - window.measured(watched), 10U);
    }
}

TEST(LevelWindow, CountsTheTimeThatNobodyAdded) {
    LevelWindow window{};
    window.current.busy.add(6, 100);
    window.advance(10 * kPeriod, kPeriod);  // nobody looked for long
    EXPECT_EQ(window.measured(10 * kPeriod), 10 * kPeriod);
    EXPECT_DOUBLE_EQ(window.busy(10 * kPeriod).mean(), 0.06);
    EXPECT_EQ(window.busy(10 * kPeriod).percentile(0.5), 0U);
    window.advance(11 * kPeriod, kPeriod);
    EXPECT_DOUBLE_EQ(window.busy(11 * kPeriod).mean(), 0);
}

TEST(LevelWindow, IsEmptyUntilSomethingWasSeen) {
    LevelWindow window{};
    EXPECT_TRUE(is_empty(window));
    const uint64_t watched = watch(window, 0, 1, 10);
    EXPECT_FALSE(is_empty(window));
    watch(window, watched, 0, 2 * kPeriod);
    EXPECT_TRUE(is_empty(window));
}

}  // namespace
}  // namespace leash
