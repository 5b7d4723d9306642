// In which minutes of the last week something happened: a bit for each, in a ring.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leash {

inline constexpr int kWeekMinutes = 7 * 24 * 60;

// Minutes are numbered since 1970, by the wall clock.  All zero: none was active.
struct ActiveMinutes {
    int64_t last;  // the newest that was marked; all after it, up to now, had nothing
    uint8_t bits[kWeekMinutes / 8];

    // Something happens in this minute, which is now.
    void mark(int64_t minute) {
        if (minute < last) {
            set_back(minute);
        }
        const int64_t first = later(last + 1, minute - kWeekMinutes + 1);
        for (int64_t m = first; m < minute; m++) {
            clear(m);
        }
        bits[place(minute)] |= bit(minute);
        last = minute;
    }

    // The clock was set back to `now`: what it called later has not happened.
    void set_back(int64_t now) {
        const int64_t first = later(now + 1, last - kWeekMinutes + 1);
        for (int64_t m = first; m <= last; m++) {
            clear(m);
        }
        last = last > now ? now : last;
    }

    // Whether `minute` was active, as seen now: what is older than a week is forgotten.
    bool was_active(int64_t minute, int64_t now) const {
        return minute > now - kWeekMinutes && minute > last - kWeekMinutes && minute <= now &&
               minute <= last && (bits[place(minute)] & bit(minute)) != 0;
    }

    // Active minutes of the week that ends with `now`.
    uint32_t count(int64_t now) const {
        uint32_t active = 0;
        for (int64_t m = now - kWeekMinutes + 1; m <= now; m++) {
            active += was_active(m, now) ? 1 : 0;
        }
        return active;
    }

private:
    static int64_t later(int64_t a, int64_t b) { return a > b ? a : b; }
    static size_t index(int64_t minute) {
        const int64_t rest = minute % kWeekMinutes;
        return static_cast<size_t>(rest < 0 ? rest + kWeekMinutes : rest);
    }
    static size_t place(int64_t minute) { return index(minute) / 8; }
    static uint8_t bit(int64_t minute) { return static_cast<uint8_t>(1u << (index(minute) % 8)); }
    void clear(int64_t minute) { bits[place(minute)] &= static_cast<uint8_t>(~bit(minute)); }
};

static_assert(kWeekMinutes % 8 == 0);

}  // namespace leash
