#include "core/levels.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leash {
namespace {

TEST(Levels, AreExactWherePoolsAre) {
    for (uint32_t level = 0; level < 128; level++) {
        EXPECT_EQ(Levels::level_of(Levels::bucket_of(level)), level);
    }
}

TEST(Levels, ErrLittleAndUpwardsAbove) {
    for (uint32_t level = 128; level < 16'384; level++) {
        const uint32_t shown = Levels::level_of(Levels::bucket_of(level));
        EXPECT_GE(shown, level);
        EXPECT_LE(shown - level, level / 16);
    }
    EXPECT_EQ(Levels::bucket_of(1'000'000), Levels::kBuckets - 1);
}

TEST(Levels, AreWeightedByTime) {
    Levels levels{};
    levels.add(2, 9'990);
    levels.add(40, 10);
    EXPECT_EQ(levels.percentile(0.5), 2U);
    EXPECT_EQ(levels.percentile(0.999), 2U);
    EXPECT_EQ(levels.percentile(0.9995), 40U);
    EXPECT_EQ(levels.peak, 40U);
    EXPECT_NEAR(levels.mean(), 2.038, 1e-9);
}

TEST(Levels, WithoutTimeAreZero) {
    const Levels levels{};
    EXPECT_EQ(levels.percentile(0.999), 0U);
    EXPECT_EQ(levels.mean(), 0);
}

TEST(Levels, CanBeAdded) {
    Levels levels{};
    levels.add(2, 100);
    Levels others{};
    others.add(5, 300);
    levels.add(others);
    EXPECT_EQ(levels.whole, 400U);
    EXPECT_DOUBLE_EQ(levels.mean(), 4.25);
    EXPECT_EQ(levels.percentile(0.25), 2U);
    EXPECT_EQ(levels.percentile(0.26), 5U);
    EXPECT_EQ(levels.peak, 5U);
}

// Poisson arrivals keep L sessions in use in the mean; the exact percentile beside it.
TEST(Levels, PercentileOfRandomArrivalsIsExact) {
    for (const double load : {1.0, 4.0, 16.0, 60.0}) {
        std::mt19937 random(11);
        std::poisson_distribution<uint32_t> level(load);
        Levels levels{};
        std::vector<uint32_t> all(200'000);
        for (uint32_t& one : all) {
            one = level(random);
            levels.add(one, 50'000'000);
        }
        std::sort(all.begin(), all.end());
        const auto at = static_cast<size_t>(std::ceil(0.999 * static_cast<double>(all.size()))) - 1;
        EXPECT_EQ(levels.percentile(0.999), all[at]);
    }
}

}  // namespace
}  // namespace leash
