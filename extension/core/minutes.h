// The minutes of the history: where they begin and end.  They are named by the wall
// clock and paced by the monotonic one: whatever the wall clock does, none comes twice,
// and they stay in the order in which they were.
#pragma once

#include <cstdint>

namespace leash {

inline constexpr int64_t kMicrosecondNs = 1000;

// The minute in which `wall` lies.  Wall times are in us, and so is the length.
constexpr int64_t minute_at(int64_t wall, int64_t length) {
    const int64_t rest = wall % length;
    return wall - (rest < 0 ? rest + length : rest);
}

struct MinutePlan {
    int64_t minute;    // its begin, by the wall clock
    uint64_t lasts;    // ns from now on, by the monotonic clock
    bool goes_on;      // it is the last one, which was thought to be over
    bool is_set_back;  // the clock was: minutes that are over lie in the future
};

// The minute that begins now; `last` is the one before, if there is any.
constexpr MinutePlan plan_minute(int64_t wall, bool has_last, int64_t last, int64_t length) {
    const int64_t minute = minute_at(wall, length);
    return {minute, static_cast<uint64_t>((minute + length - wall) * kMicrosecondNs),
            has_last && minute == last, has_last && minute < last};
}

// A minute that ended so long ago that what has been counted since belongs to no minute.
constexpr bool is_long_over(uint64_t now, uint64_t ends, int64_t length) {
    constexpr uint64_t kAtLeast = 5'000'000'000;
    const auto one = static_cast<uint64_t>(length * kMicrosecondNs);
    return now > ends && now - ends >= (one > kAtLeast ? one : kAtLeast);
}

// The clock was set back: moves what would lie after `minute` so that it ends just before
// it.  What lies before a gap stays where it is when the gap has room enough.
// `minute_of(i)` is the minute of row i by reference, 0 the newest, `count` of them.
template <class MinuteOf>
constexpr void make_room(int64_t minute, int64_t length, uint64_t count, MinuteOf minute_of) {
    int64_t latest = minute - length;
    for (uint64_t i = 0; i < count && minute_of(i) > latest; i++) {
        minute_of(i) = latest;
        latest -= length;
    }
}

}  // namespace leash
