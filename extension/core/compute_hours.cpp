#include "core/compute_hours.h"

namespace leash {

void ComputeWeek::begin(int64_t now, int64_t delay) {
    now_ = now;
    delay_ = delay;
    for (int i = 0; i < kWeekMinutes; i++) {
        awake_for_[i] = kNobody;
        active_[i] = false;
    }
}

ComputeTime ComputeWeek::add(int32_t number, const ActiveMinutes& minutes) {
    const int64_t first = now_ - kWeekMinutes + 1;
    ComputeTime time{};
    int64_t last_active = first - 1 - delay_;  // before that, nothing is known
    for (int i = 0; i < kWeekMinutes; i++) {
        const int64_t minute = first + i;
        if (minutes.was_active(minute, now_)) {
            last_active = minute;
            active_[i] = true;
            time.active++;
        }
        if (minute - last_active <= delay_) {
            awake_for_[i] = awake_for_[i] == kNobody ? number : kSeveral;
            time.awake++;
        }
    }
    return time;
}

void ComputeWeek::find_alone(ComputeTime* times, int32_t count) const {
    for (const int32_t number : awake_for_) {
        if (number >= 0 && number < count) {
            times[number].alone++;
        }
    }
}

ComputeTime ComputeWeek::whole() const {
    ComputeTime time{};
    for (int i = 0; i < kWeekMinutes; i++) {
        time.active += active_[i] ? 1 : 0;
        time.awake += awake_for_[i] != kNobody ? 1 : 0;
    }
    time.alone = time.awake;
    return time;
}

}  // namespace leash
