// Where histograms are cut for whoever wants few buckets: at bounds of their own, so that
// no count lies on the wrong side of a cut.
#pragma once

#include <cstddef>
#include <cstdint>

#include "histogram.h"

namespace leash {

// The first bucket that begins at this length or later; all before it are shorter.
constexpr size_t rank_from(uint64_t ns) {
    size_t rank = 0;
    while (lower_bound(rank) < ns) {
        rank++;
    }
    return rank;
}

// What the buckets before `rank` hold, in ns: at most this.
constexpr uint64_t longest_before(size_t rank) {
    return lower_bound(rank) - 1;
}

// Each is the first bound that is not below a round length: 0.7 to 7 % above it.
inline constexpr size_t kStatementCuts[] = {
    rank_from(1'000'000),     rank_from(5'000'000),     rank_from(10'000'000),
    rank_from(50'000'000),    rank_from(100'000'000),   rank_from(500'000'000),
    rank_from(1'000'000'000), rank_from(5'000'000'000), rank_from(10'000'000'000),
};

// Clients pause for longer than statements take.  0.2 to 15 % above 10 ms, 100 ms, 1 s,
// 10 s, 1 min and 10 min.
inline constexpr size_t kIdleCuts[] = {
    rank_from(10'000'000),     rank_from(100'000'000),    rank_from(1'000'000'000),
    rank_from(10'000'000'000), rank_from(60'000'000'000), rank_from(600'000'000'000),
};

// What a histogram holds up to a cut.
struct DurationsUpTo {
    uint64_t samples;
    double seconds;  // their sum, each taken for the middle of its bucket
};

inline DurationsUpTo durations_before(const HistogramSum& histogram, size_t rank) {
    DurationsUpTo sum{};
    for (size_t i = 0; i < rank; i++) {
        sum.samples += histogram.counts[i];
        sum.seconds +=
            static_cast<double>(histogram.counts[i]) * static_cast<double>(value_at(i)) / 1e9;
    }
    return sum;
}

}  // namespace leash
