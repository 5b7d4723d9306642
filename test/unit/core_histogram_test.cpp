#include "core/histogram.h"

#include <algorithm>
#include <cmath>
#include <random>
#include <vector>

#include <gtest/gtest.h>

namespace leash {
namespace {

size_t rank_of(uint64_t ns) {
    const uint8_t bucket = Histogram::bucket_of(ns);
    for (size_t rank = 0; rank < kHistogramRanks; rank++) {
        if (bucket_at(rank) == bucket) {
            return rank;
        }
    }
    ADD_FAILURE() << "bucket " << int{bucket} << " of " << ns << " has no rank";
    return 0;
}

TEST(Histogram, BucketsMeetAtTheirBounds) {
    constexpr size_t kExact =
        size_t{53} * 4;  // above, a double rounds; below 8 ns, values are made odd
    for (size_t rank = 12; rank < kExact; rank++) {
        EXPECT_EQ(rank_of(lower_bound(rank)), rank);
        EXPECT_EQ(rank_of(lower_bound(rank) - 1), rank - 1);
    }
}

TEST(Histogram, SmallestAndLargestValuesHaveBuckets) {
    EXPECT_EQ(rank_of(0), 0U);
    EXPECT_EQ(rank_of(1), 0U);
    EXPECT_EQ(rank_of((uint64_t{1} << 63) - 2048), kHistogramRanks - 1);
}

TEST(Histogram, AnEmptyOneHasNoPercentile) {
    const HistogramSum sum{};
    EXPECT_EQ(sum.percentile(0.5), 0U);
}

TEST(Histogram, SumsAddUp) {
    Histogram a{};
    Histogram b{};
    a.add(1'000);
    b.add(1'000);
    b.add(1'000'000'000);
    HistogramSum sum{};
    sum.add(a);
    sum.add(b);
    EXPECT_EQ(sum.total, 3U);
    EXPECT_NEAR(static_cast<double>(sum.percentile(0.5)), 1'000, 125);
    EXPECT_NEAR(static_cast<double>(sum.percentile(1)), 1e9, 1.25e8);
    a.clear();
    HistogramSum empty{};
    empty.add(a);
    EXPECT_EQ(empty.total, 0U);
}

// Exact percentiles of a million samples beside the histogram's.
struct Shape {
    const char* name;
    double (*draw)(std::mt19937_64&);
};

class HistogramError : public testing::TestWithParam<Shape> {};

TEST_P(HistogramError, IsAtMostAnEighth) {
    std::mt19937_64 random(20260101);
    std::vector<uint64_t> samples(1'000'000);
    Histogram histogram{};
    for (uint64_t& sample : samples) {
        sample = static_cast<uint64_t>(GetParam().draw(random));
        histogram.add(sample);
    }
    std::sort(samples.begin(), samples.end());
    HistogramSum sum{};
    sum.add(histogram);
    double worst = 0;
    for (const double p : {0.01, 0.1, 0.5, 0.9, 0.95, 0.99, 0.999, 0.9999, 1.0}) {
        const auto at = static_cast<size_t>(std::ceil(p * static_cast<double>(samples.size()))) - 1;
        const auto exact = static_cast<double>(samples[at]);
        worst = std::max(worst, std::abs(static_cast<double>(sum.percentile(p)) - exact) / exact);
    }
    RecordProperty("worst_relative_error", std::to_string(worst));
    EXPECT_LE(worst, 0.125);
}

INSTANTIATE_TEST_SUITE_P(
    Shapes, HistogramError,
    testing::Values(Shape{"lognormal",
                          [](std::mt19937_64& random) {
                              return std::lognormal_distribution<double>(14, 2)(random) + 100;
                          }},
                    Shape{"exponential",
                          [](std::mt19937_64& random) {
                              return std::exponential_distribution<double>(1e-7)(random) + 100;
                          }},
                    Shape{"bimodal",
                          [](std::mt19937_64& random) {
                              return random() % 10 == 0
                                         ? std::normal_distribution<double>(3e9, 1e8)(random)
                                         : std::normal_distribution<double>(2e5, 2e4)(random);
                          }}),
    [](const testing::TestParamInfo<Shape>& shape) { return shape.param.name; });

}  // namespace
}  // namespace leash
