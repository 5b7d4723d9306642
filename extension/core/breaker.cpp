#include "breaker.h"

#include <algorithm>

namespace leash {
namespace {

// Whether `now` comes later than `then` by at least `span`; clocks of two processes may
// be read in either order.
bool is_past(uint64_t then, uint64_t span, uint64_t now) {
    return now > then && now - then >= span;
}

void start_window(Breaker& breaker, uint64_t now) {
    breaker.window_began = now;
    breaker.reaped = 0;
    breaker.reconnected = 0;
}

// How many sessions open from the beginning of the burst until then, when there is
// nothing special.
uint64_t usual_until(const Breaker& breaker, uint64_t then) {
    return breaker.usual_gap == 0 ? 0 : (then - breaker.burst_began + kAtOnce) / breaker.usual_gap;
}

}  // namespace

bool begins_burst(const Breaker& breaker, uint64_t now) {
    return breaker.last_reap == 0 || is_past(breaker.last_reap, kAtOnce, now);
}

void note_reap(Breaker& breaker, uint64_t now, uint64_t usual_gap) {
    if (breaker.window_began == 0 || is_past(breaker.window_began, kBreakerWindow, now)) {
        start_window(breaker, now);
    }
    if (begins_burst(breaker, now)) {
        breaker.burst_began = now;
        breaker.usual_gap = usual_gap;
        breaker.usual = 0;
    }
    breaker.last_reap = now;
    breaker.reaped++;
}

bool note_opened(Breaker& breaker, uint64_t opened, uint32_t sessions, uint64_t now) {
    const bool at_once =
        opened >= breaker.burst_began && !is_past(breaker.last_reap, kAtOnce, opened);
    if (at_once && breaker.usual < usual_until(breaker, opened)) {
        breaker.usual++;
        return false;
    }
    // A group that opens sessions all the time has no more come back than were ended.
    if (!at_once || is_open(breaker, now) || breaker.reconnected >= breaker.reaped) {
        return false;
    }
    breaker.reconnected++;
    if (breaker.reaped < kBreakerMinimum ||
        uint64_t{5} * breaker.reconnected < uint64_t{4} * breaker.reaped) {
        return false;
    }
    breaker.open_until = now + kBreakerOpenFor;
    breaker.limit = sessions + std::max(kBreakerMinimum, breaker.reaped / 2);
    start_window(breaker, 0);
    return true;
}

bool close_if_grown(Breaker& breaker, uint32_t sessions, uint64_t now) {
    if (!is_open(breaker, now) || sessions <= breaker.limit) {
        return false;
    }
    breaker.open_until = 0;
    return true;
}

bool is_open(const Breaker& breaker, uint64_t now) {
    return now < breaker.open_until;
}

}  // namespace leash
