// Durations counted by size: log-linear buckets, four to each power of two.
//
// A value is found again with at most 12.5 % relative error: a bucket spans a quarter
// of the power of two it lies in, so its middle is at most an eighth away.
//
// The bucket's number is what a double keeps of the value above its two leading
// mantissa bits; that takes eight instructions and no table.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

#include "relaxed.h"

namespace leash {

inline constexpr size_t kHistogramBuckets = 256;

// Written by one process; 32-bit counts are folded into 64-bit ones (HistogramSum)
// long before they could wrap.
struct Histogram {
    Relaxed<uint32_t> counts[kHistogramBuckets];

    void clear() {
        for (Relaxed<uint32_t>& count : counts) {
            count.set(0);
        }
    }

    // `ns` below 2^63.
    void add(uint64_t ns) { counts[bucket_of(ns)].add(1); }

    // 0 and 1 ns share a bucket; the number wraps within a byte, see bucket_at().
    static uint8_t bucket_of(uint64_t ns) {
        const auto value = static_cast<double>(static_cast<int64_t>(ns | 1));
        return static_cast<uint8_t>(std::bit_cast<uint64_t>(value) >> 50);
    }
};

// The buckets in the order of their values: bucket `rank` holds from lower_bound(rank)
// to below lower_bound(rank + 1).
inline constexpr size_t kHistogramRanks = 252;  // of 63 powers of two

constexpr uint8_t bucket_at(size_t rank) {
    constexpr size_t kBias = size_t{1023} * 4;  // of a double's exponent
    return static_cast<uint8_t>(kBias + rank);
}

constexpr uint64_t lower_bound(size_t rank) {
    const uint64_t power = uint64_t{1} << (rank / 4);
    return power + power * (rank % 4) / 4;
}

// The middle of a bucket.
constexpr uint64_t value_at(size_t rank) {
    const uint64_t power = uint64_t{1} << (rank / 4);
    return lower_bound(rank) + power / 8;
}

// Sums of histograms, for reading.
struct HistogramSum {
    uint64_t counts[kHistogramRanks];  // by rank
    uint64_t total;

    void add(const Histogram& histogram) {
        for (size_t rank = 0; rank < kHistogramRanks; rank++) {
            const uint64_t count = histogram.counts[bucket_at(rank)].get();
            counts[rank] += count;
            total += count;
        }
    }

    // The value below or at which a share `p` (0 to 1) of all lies; 0 when there is none.
    uint64_t percentile(double p) const {
        if (total == 0) {
            return 0;
        }
        const double wanted = p * static_cast<double>(total);
        uint64_t seen = 0;
        size_t last = 0;
        for (size_t rank = 0; rank < kHistogramRanks; rank++) {
            if (counts[rank] == 0) {
                continue;
            }
            seen += counts[rank];
            last = rank;
            if (static_cast<double>(seen) >= wanted) {
                break;
            }
        }
        return value_at(last);
    }
};

}  // namespace leash
