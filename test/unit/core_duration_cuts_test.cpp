#include "core/duration_cuts.h"

#include <gtest/gtest.h>

#include <memory>
#include <vector>

namespace leash {
namespace {

std::vector<size_t> all_cuts() {
    std::vector<size_t> cuts(std::begin(kStatementCuts), std::end(kStatementCuts));
    cuts.insert(cuts.end(), std::begin(kIdleCuts), std::end(kIdleCuts));
    return cuts;
}

HistogramSum sum_of(const std::vector<uint64_t>& durations) {
    const auto histogram = std::make_unique<Histogram>();
    histogram->clear();
    for (const uint64_t ns : durations) {
        histogram->add(ns);
    }
    HistogramSum sum{};
    sum.add(*histogram);
    return sum;
}

TEST(DurationCuts, NoSampleLiesOnTheWrongSide) {
    for (const size_t cut : all_cuts()) {
        const uint64_t bound = longest_before(cut);
        const HistogramSum sum = sum_of({1, bound / 2, bound - 1, bound, bound + 1, 3 * bound});
        EXPECT_EQ(durations_before(sum, cut).samples, 4U) << "up to " << bound;
        EXPECT_EQ(durations_before(sum, kHistogramRanks).samples, 6U);
    }
}

TEST(DurationCuts, AreTheFirstThatAreNotBelowARoundLength) {
    const uint64_t ms = 1'000'000;
    const std::vector<uint64_t> round = {
        ms,          5 * ms,  10 * ms,  50 * ms,   100 * ms,    500 * ms,    1000 * ms,   5000 * ms,
        10'000 * ms, 10 * ms, 100 * ms, 1000 * ms, 10'000 * ms, 60'000 * ms, 600'000 * ms};
    const std::vector<size_t> cuts = all_cuts();
    ASSERT_EQ(cuts.size(), round.size());
    for (size_t i = 0; i < cuts.size(); i++) {
        EXPECT_GE(lower_bound(cuts[i]), round[i]);
        EXPECT_LT(lower_bound(cuts[i] - 1), round[i]);
        EXPECT_LE(static_cast<double>(lower_bound(cuts[i])), 1.15 * static_cast<double>(round[i]));
    }
}

TEST(DurationCuts, AscendWithinAHistogram) {
    for (size_t i = 1; i < std::size(kStatementCuts); i++) {
        EXPECT_LT(kStatementCuts[i - 1], kStatementCuts[i]);
    }
    for (size_t i = 1; i < std::size(kIdleCuts); i++) {
        EXPECT_LT(kIdleCuts[i - 1], kIdleCuts[i]);
    }
}

TEST(DurationCuts, SumsAreAtMostAnEighthOff) {
    std::vector<uint64_t> durations;
    double exact = 0;
    for (uint64_t ns = 1000; ns < 20'000'000'000; ns += ns / 3) {
        durations.push_back(ns);
        exact += static_cast<double>(ns) / 1e9;
    }
    const DurationsUpTo sum = durations_before(sum_of(durations), kHistogramRanks);
    EXPECT_EQ(sum.samples, durations.size());
    EXPECT_NEAR(sum.seconds, exact, exact / 8);
}

TEST(DurationCuts, ManySamplesDoNotOverflow) {
    HistogramSum sum{};
    sum.counts[160] = uint64_t{1} << 50;  // of 18 minutes each
    EXPECT_GT(durations_before(sum, kHistogramRanks).seconds, 1e18);
}

}  // namespace
}  // namespace leash
