#include "core/queueing.h"

#include <cmath>
#include <limits>

#include <gtest/gtest.h>

namespace leash {
namespace {

TEST(ErlangC, IsWhatTheSumSays) {
    EXPECT_NEAR(erlang_c(2, 1), 1.0 / 3, 1e-12);
    EXPECT_NEAR(erlang_c(3, 1), 1.0 / 11, 1e-12);
    EXPECT_NEAR(erlang_c(4, 1), 1.0 / 49, 1e-12);
    EXPECT_NEAR(erlang_c(8, 4), 0.059043994695266104, 1e-12);
    EXPECT_NEAR(erlang_c(9, 4), 0.023757873855898285, 1e-12);
    EXPECT_NEAR(erlang_c(24, 16), 0.04283532759306939, 1e-12);
    // 200 calls of 3 minutes an hour and 14 agents, as call centres compute it
    EXPECT_NEAR(erlang_c(14, 10), 0.174, 0.0005);
}

TEST(ErlangC, OneConnectionIsBusyForTheShareOfItsLoad) {
    EXPECT_NEAR(erlang_c(1, 0.3), 0.3, 1e-12);
}

TEST(ErlangC, EverybodyWaitsWhereTheQueueNeverEnds) {
    EXPECT_EQ(erlang_c(4, 4), 1);
    EXPECT_EQ(erlang_c(4, 5), 1);
    EXPECT_EQ(erlang_c(0, 0), 1);
}

TEST(ErlangC, NobodyWaitsWhereNothingRuns) {
    EXPECT_EQ(erlang_c(1, 0), 0);
    EXPECT_EQ(erlang_c(1, -1), 0);
    EXPECT_EQ(erlang_c(1, std::numeric_limits<double>::quiet_NaN()), 0);
}

TEST(SmallestPool, IsTheFirstInWhichFewEnoughWait) {
    EXPECT_EQ(smallest_pool(1, 0.05), 4U);
    EXPECT_EQ(smallest_pool(4, 0.05), 9U);
    EXPECT_EQ(smallest_pool(16, 0.05), 24U);
    for (double load = 0.1; load < 200; load *= 1.7) {
        const uint32_t pool = smallest_pool(load, 0.05);
        EXPECT_LT(erlang_c(pool, load), 0.05) << load;
        EXPECT_GE(erlang_c(pool - 1, load), 0.05) << load;
    }
}

TEST(SmallestPool, EndsForAnyLoad) {
    EXPECT_EQ(smallest_pool(0, 0.05), 1U);
    EXPECT_EQ(smallest_pool(std::numeric_limits<double>::infinity(), 0.05), kMaxPool);
    EXPECT_EQ(smallest_pool(1, 0), kMaxPool);
}

TEST(SquareRootPool, IsTwoDeviationsAboveTheMean) {
    EXPECT_EQ(square_root_pool(1), 3U);
    EXPECT_EQ(square_root_pool(4), 8U);
    EXPECT_EQ(square_root_pool(16), 24U);
    EXPECT_EQ(square_root_pool(4.01), 9U);
    EXPECT_EQ(square_root_pool(4.0000000000001), 8U);
}

TEST(SquareRootPool, IsNeverBelowTwo) {
    EXPECT_EQ(square_root_pool(0), 2U);
    EXPECT_EQ(square_root_pool(0.01), 2U);
    EXPECT_EQ(square_root_pool(-3), 2U);
    EXPECT_EQ(square_root_pool(std::numeric_limits<double>::quiet_NaN()), 2U);
    EXPECT_EQ(square_root_pool(std::numeric_limits<double>::infinity()), kMaxPool);
}

// The promise of the advice. Above, the formula errs upwards: by 2 at 64.
TEST(SquareRootPool, IsWithinOneOfTheSmallestPoolThatRarelyMakesWait) {
    for (double load = 0.5; load <= 48; load *= 1.01) {
        const auto needed = static_cast<double>(smallest_pool(load, 0.05));
        EXPECT_LE(std::abs(square_root_pool(load) - needed), 1) << load;
    }
}

}  // namespace
}  // namespace leash
