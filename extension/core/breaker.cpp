#include "breaker.h"

namespace leash {
namespace {

// Whether `now` comes later than `then` by at least `span`; clocks of two processes may
// be read in either order.
bool is_past(uint64_t then, uint64_t span, uint64_t now) {
    return now > then && now - then >= span;
}

}  // namespace

void note_reap(Breaker& breaker, uint64_t now) {
    if (breaker.window_began == 0 || is_past(breaker.window_began, kBreakerWindow, now)) {
        breaker.window_began = now;
        breaker.reaped = 0;
        breaker.reconnected = 0;
    }
    if (breaker.last_reap == 0 || is_past(breaker.last_reap, kAtOnce, now)) {
        breaker.burst_began = now;
    }
    breaker.last_reap = now;
    breaker.reaped++;
}

bool note_opened(Breaker& breaker, uint64_t opened, uint64_t now) {
    const bool at_once =
        opened >= breaker.burst_began && !is_past(breaker.last_reap, kAtOnce, opened);
    // A group that opens sessions all the time has no more come back than were ended.
    if (!at_once || is_open(breaker, now) || breaker.reconnected >= breaker.reaped) {
        return false;
    }
    breaker.reconnected++;
    if (breaker.reaped < kBreakerMinimum ||
        uint64_t{5} * breaker.reconnected < uint64_t{4} * breaker.reaped) {
        return false;
    }
    // It stays open for longer than the window, which then starts anew.
    static_assert(kBreakerOpenFor > kBreakerWindow);
    breaker.open_until = now + kBreakerOpenFor;
    return true;
}

bool is_open(const Breaker& breaker, uint64_t now) {
    return now < breaker.open_until;
}

}  // namespace leash
