// The levels of one or two periods back: what an application did long ago says little of
// what it needs now, and must not dilute it.
//
// A period that is full becomes the previous one, the one before it is forgotten: all that
// is shown counts alike, and it is known exactly for how long that was watched.
#pragma once

#include "levels.h"

namespace leash {

struct LevelWindow {
    struct Period {
        uint64_t began;  // ns of watching before it
        uint32_t sessions_peak;
        Levels in_use;
        Levels busy;
    };
    Period previous;  // empty until the first one is full
    Period current;

    // `watched`: ns, for how long this was watched in all.
    void advance(uint64_t watched, uint64_t period) {
        if (watched >= current.began && watched - current.began >= period) {
            previous = current;
            current = {};
            current.began = watched;
        }
    }

    // Of that, what the window is about.
    uint64_t measured(uint64_t watched) const {
        return watched > previous.began ? watched - previous.began : 0;
    }

    // Time at level 0 is what was not added.
    Levels in_use(uint64_t watched) const {
        return sum_of(previous.in_use, current.in_use).with_idle(measured(watched));
    }
    Levels busy(uint64_t watched) const {
        return sum_of(previous.busy, current.busy).with_idle(measured(watched));
    }

    uint32_t sessions_peak() const {
        return previous.sessions_peak > current.sessions_peak ? previous.sessions_peak
                                                              : current.sessions_peak;
    }

private:
    static Levels sum_of(const Levels& a, const Levels& b) {
        Levels sum = a;
        sum.add(b);
        return sum;
    }
};

}  // namespace leash
