// For how long a level (of sessions in use, say) was how high: a time-weighted
// distribution.  Exact up to 127, above with at most 6 % error.
#pragma once

#include <bit>
#include <cstddef>
#include <cstdint>

namespace leash {

struct Levels {
    static constexpr uint32_t kExact = 128;
    static constexpr uint32_t kPerPower = 16;  // buckets to each power of two above
    static constexpr size_t kBuckets = kExact + 7 * kPerPower;  // up to 16383

    uint64_t time[kBuckets];  // ns
    uint64_t whole;           // ns, all of it
    double area;              // level x ns, for the mean
    uint32_t peak;

    static size_t bucket_of(uint32_t level) {
        if (level < kExact) {
            return level;
        }
        const auto power = static_cast<uint32_t>(std::bit_width(level)) - 1;  // 7 and more
        const uint32_t within = (level >> (power - 4)) & (kPerPower - 1);
        const size_t bucket = kExact + (power - 7) * kPerPower + within;
        return bucket < kBuckets ? bucket : kBuckets - 1;
    }

    // The highest level of a bucket: advice errs on the side of enough.
    static uint32_t level_of(size_t bucket) {
        if (bucket < kExact) {
            return static_cast<uint32_t>(bucket);
        }
        const auto above = static_cast<uint32_t>(bucket - kExact);
        const uint32_t power = 7 + above / kPerPower;
        return (1u << power) + ((above % kPerPower + 1) << (power - 4)) - 1;
    }

    void add(uint32_t level, uint64_t ns) {
        time[bucket_of(level)] += ns;
        whole += ns;
        area += static_cast<double>(level) * static_cast<double>(ns);
        peak = level > peak ? level : peak;
    }

    void add(const Levels& other) {
        for (size_t bucket = 0; bucket < kBuckets; bucket++) {
            time[bucket] += other.time[bucket];
        }
        whole += other.whole;
        area += other.area;
        peak = other.peak > peak ? other.peak : peak;
    }

    // The same over all the time that was watched: what was not added was at level 0.
    Levels with_idle(uint64_t watched) const {
        Levels all = *this;
        if (watched > all.whole) {
            all.time[0] += watched - all.whole;
            all.whole = watched;
        }
        return all;
    }

    double mean() const { return whole == 0 ? 0 : area / static_cast<double>(whole); }

    // The level that is not exceeded for a share `p` (0 to 1) of the time.
    uint32_t percentile(double p) const {
        const double wanted = p * static_cast<double>(whole);
        double seen = 0;
        uint32_t last = 0;
        for (size_t bucket = 0; bucket < kBuckets; bucket++) {
            if (time[bucket] == 0) {
                continue;
            }
            last = level_of(bucket);
            seen += static_cast<double>(time[bucket]);
            if (seen >= wanted) {
                break;
            }
        }
        return last < peak ? last : peak;
    }
};

}  // namespace leash
