// Which minutes of a history can be told of: a clock that was wrong for a while leaves some
// behind that are of another year.
#pragma once

#include <cstdint>

#include "evidence/fields.h"

namespace leash::tool {

inline constexpr std::int64_t kMinuteUs = 60'000'000;
inline constexpr std::int64_t kWeekMinutes = std::int64_t{7} * 24 * 60;
// A minute is written when it is over, and the two clocks are read one after the other.
inline constexpr std::int64_t kSlackMinutes = 2;

/// Minute of an instant, since 1970.
constexpr std::int64_t minute_of(Instant instant) {
    return instant.us / kMinuteUs - (instant.us % kMinuteUs < 0 ? 1 : 0);
}

/// Later than the server's own clock.
constexpr bool is_ahead(Instant minute, Instant now) {
    return minute_of(minute) > minute_of(now) + kSlackMinutes;
}

/// Before the week that is told of.
constexpr bool is_earlier(Instant minute, Instant now) {
    return minute_of(minute) < minute_of(now) - kWeekMinutes;
}

}  // namespace leash::tool
