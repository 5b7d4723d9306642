// The breaker of a group: stops ending sessions whose client reconnects at once.
#pragma once

#include <cstdint>

namespace leash {

// Of one group, in windows of a minute.
struct Breaker {
    uint64_t group;         // 0: free
    uint64_t window_began;  // monotonic, ns
    uint32_t reaped;        // sessions ended in the window
    uint32_t reconnected;   // sessions that opened within kAtOnce after one was ended
    uint64_t last_reap;
    uint64_t open_until;  // 0: closed
};

inline constexpr uint64_t kBreakerWindow = 60'000'000'000;
inline constexpr uint64_t kAtOnce = 2'000'000'000;
inline constexpr uint32_t kBreakerMinimum = 5;  // reaps before it may open
inline constexpr uint64_t kBreakerOpenFor = 600'000'000'000;

void note_reap(Breaker& breaker, uint64_t now);

// A session of the group opened at `opened`.  True when that opens the breaker: at
// least kBreakerMinimum were reaped in the window and four of five came back at once.
bool note_opened(Breaker& breaker, uint64_t opened, uint64_t now);

bool is_open(const Breaker& breaker, uint64_t now);

}  // namespace leash
