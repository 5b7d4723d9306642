// For how long a server that suspends itself when it is idle would have run in the last
// week, and whom it would have run for.
//
// It runs in a minute when a statement ran in it, or at most `delay` minutes before it.
#pragma once

#include "core/active_minutes.h"

namespace leash {

// In minutes.
struct ComputeTime {
    uint32_t active;  // in which statements ran
    uint32_t awake;
    uint32_t alone;  // of those, in which nobody else kept the server awake
};

// The week that ends with the minute `now`.  Some 50 kB: not for a stack.
class ComputeWeek {
public:
    void begin(int64_t now, int64_t delay);

    // Adds an application; numbers count from 0.  Returns its minutes, but for `alone`.
    ComputeTime add(int32_t number, const ActiveMinutes& minutes);

    // When all are added: `alone` of each, `count` of them.
    void find_alone(ComputeTime* times, int32_t count) const;

    // The server.
    ComputeTime whole() const;

private:
    static constexpr int32_t kNobody = -1;
    static constexpr int32_t kSeveral = -2;

    int64_t now_;
    int64_t delay_;
    int32_t awake_for_[kWeekMinutes];  // whom the server is awake for, oldest minute first
    bool active_[kWeekMinutes];
};

}  // namespace leash
