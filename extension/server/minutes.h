// Minutes of the wall clock, which the tests make shorter.
#pragma once

#include "server/settings.h"

namespace leash {

inline int64_t minute_us() {
    return int64_t{settings::debug_minute} * 1000;
}

inline uint64_t minute_ns() {
    return static_cast<uint64_t>(settings::debug_minute) * 1'000'000;
}

// From 1970 to where PostgreSQL's time begins.
inline constexpr int64_t kUnixEpoch =
    int64_t{POSTGRES_EPOCH_JDATE - UNIX_EPOCH_JDATE} * USECS_PER_DAY;

// Minutes since 1970.
inline int64_t minute_of(TimestampTz at) {
    return (at + kUnixEpoch) / minute_us();
}

inline TimestampTz minute_start(int64_t minute) {
    return minute * minute_us() - kUnixEpoch;
}

}  // namespace leash
