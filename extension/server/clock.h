// The clocks.  Durations come from the monotonic one; PostgreSQL stamps commands
// with the wall clock, and this file alone translates.
#pragma once

#include "server/compat.h"

namespace leash {

// On the stack it would cost each caller of monotonic_ns() a stack protector.
extern LEASH_HIDDEN timespec clock_reading;

inline uint64_t monotonic_ns() {
    clock_gettime(CLOCK_MONOTONIC, &clock_reading);
    return static_cast<uint64_t>(clock_reading.tv_sec) * 1'000'000'000 +
           static_cast<uint64_t>(clock_reading.tv_nsec);
}

// How long ago, in ns, the wall clock showed `then`; 0 when that is in the future.
inline uint64_t wall_age_ns(TimestampTz then, TimestampTz now) {
    return now > then ? static_cast<uint64_t>(now - then) * 1000 : 0;
}

// Translates PostgreSQL's stamp of a message into "how long ago".  One reading of
// the wall clock serves for a tenth of a second, in which a clock that is being
// slewed by 500 ppm strays by 50 us.
class MessageClock {
public:
    uint64_t age_ns(TimestampTz message, uint64_t now) {
        if (unlikely(now - read_at_ > kValidFor)) {
            compare(now);
        }
        const int64_t age = static_cast<int64_t>(now) + offset_ - message * 1000;
        return age > 0 ? static_cast<uint64_t>(age) : 0;
    }

private:
    static constexpr uint64_t kValidFor = 100'000'000;

    // Reads the wall clock between two readings of the other: where the processor was
    // lost in between, the offset would be wrong by as much, so the closest pair counts.
    pg_noinline void compare(uint64_t now) {
        constexpr uint64_t kCloseEnough = 5'000;
        uint64_t closest = ~uint64_t{0};
        for (int i = 0; i < 10 && closest > kCloseEnough; i++) {
            const uint64_t before = monotonic_ns();
            const TimestampTz wall = GetCurrentTimestamp();
            const uint64_t between = monotonic_ns() - before;
            if (between < closest) {
                closest = between;
                offset_ = wall * 1000 - static_cast<int64_t>(before);
            }
        }
        read_at_ = now;
    }

    uint64_t read_at_ = 0;
    int64_t offset_ = 0;  // ns from the monotonic clock to PostgreSQL's
};

}  // namespace leash
