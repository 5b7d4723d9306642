#include "core/trend.h"

#include "core/health.h"

#include <functional>

#include <gtest/gtest.h>

namespace leash {
namespace {

Trend trend_of(int count, const std::function<double(int)>& value) {
    Trend trend;
    for (int i = 0; i < count; i++) {
        trend.add(1e9 + 60.0 * i, value(i));
    }
    return trend;
}

double noise(int i) {
    return static_cast<double>(static_cast<uint32_t>(i) * 2654435761u >> 16) / 65536 - 0.5;
}

TEST(Trend, FindsTheLine) {
    const Trend trend = trend_of(30, [](int i) { return 20 + 3.0 * i; });
    EXPECT_NEAR(trend.slope(), 3.0 / 60, 1e-9);
    EXPECT_NEAR(trend.fit(), 1, 1e-9);
    EXPECT_NEAR(trend.growth(), 87, 1e-6);
    EXPECT_TRUE(is_growing(trend, 2));
}

TEST(Trend, FindsItInNoise) {
    const Trend trend = trend_of(30, [](int i) { return 20 + 1.0 * i + 6 * noise(i); });
    EXPECT_NEAR(trend.slope(), 1.0 / 60, 0.15 / 60);
    EXPECT_TRUE(is_growing(trend, 2));
}

TEST(Trend, OfNothingIsNone) {
    const Trend none;
    EXPECT_EQ(none.slope(), 0);
    EXPECT_EQ(none.fit(), 0);
    EXPECT_FALSE(is_growing(none, 0));
    const Trend one = trend_of(1, [](int) { return 7.0; });
    EXPECT_EQ(one.slope(), 0);
    EXPECT_EQ(one.fit(), 0);
}

TEST(Trend, WhatDoesNotGrow) {
    EXPECT_FALSE(is_growing(trend_of(30, [](int) { return 50.0; }), 2)) << "stands still";
    EXPECT_FALSE(is_growing(trend_of(30, [](int i) { return 50 - 1.0 * i; }), 2)) << "shrinks";
    EXPECT_FALSE(is_growing(trend_of(30, [](int i) { return 50 + 20 * noise(i); }), 2));
    EXPECT_FALSE(is_growing(trend_of(30, [](int i) { return i % 2 == 0 ? 10.0 : 90.0; }), 2));
    EXPECT_FALSE(is_growing(trend_of(30, [](int i) { return 50 + 0.01 * i; }), 2)) << "too little";
    EXPECT_FALSE(is_growing(trend_of(4, [](int i) { return 50 + 9.0 * i; }), 2)) << "too few";
    EXPECT_TRUE(is_growing(trend_of(5, [](int i) { return 50 + 9.0 * i; }), 2));
}

TEST(Trend, AJumpIsNoGrowth) {
    for (int at = 1; at < 30; at++) {
        EXPECT_FALSE(is_growing(trend_of(30, [at](int i) { return i < at ? 20.0 : 80.0; }), 2))
            << at;
    }
}

TEST(Health, HighIsBad) {
    EXPECT_EQ(judge_value(0.79, 0.8, 0.95), Health::ok);
    EXPECT_EQ(judge_value(0.8, 0.8, 0.95), Health::warning);
    EXPECT_EQ(judge_value(0.95, 0.8, 0.95), Health::critical);
    EXPECT_EQ(judge_value(9, 9, kNoLimit), Health::warning);
    EXPECT_EQ(judge_value(9, kNoLimit, 9), Health::critical);
    EXPECT_EQ(judge_value(1e9, kNoLimit, kNoLimit), Health::ok);
}

TEST(Health, LowIsBadWhereTheLimitsSaySo) {
    EXPECT_EQ(judge_value(0.81, 0.8, 0.5), Health::ok);
    EXPECT_EQ(judge_value(0.8, 0.8, 0.5), Health::warning);
    EXPECT_EQ(judge_value(0.5, 0.8, 0.5), Health::critical);
    EXPECT_EQ(judge_value(0, 0.8, 0.5), Health::critical);
}

TEST(Health, HasNames) {
    EXPECT_STREQ(name_of(Health::ok), "ok");
    EXPECT_STREQ(name_of(Health::warning), "warning");
    EXPECT_STREQ(name_of(Health::critical), "critical");
}

}  // namespace
}  // namespace leash
