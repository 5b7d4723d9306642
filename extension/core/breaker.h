// The breaker of a group: stops ending sessions whose client reconnects at once.
#pragma once

#include <cstdint>

namespace leash {

// Of one group, in windows of a minute.  A burst is a run of reaps of which each came
// within kAtOnce of the one before: from its start until kAtOnce after its end, every
// session that opens does so at once after a reap.
struct Breaker {
    uint64_t group;         // 0: free
    uint64_t window_began;  // monotonic, ns
    uint32_t reaped;        // sessions ended in the window
    uint32_t reconnected;   // sessions that opened within kAtOnce after one was ended
    uint64_t last_reap;
    uint64_t open_until;  // 0: closed
    uint64_t burst_began;
    uint64_t usual_gap;  // ns between the sessions that it opened before the burst; 0: none
    uint64_t usual;      // sessions that opened in the burst and are taken for usual
    uint32_t limit;      // sessions of the group that are spared while it is open
};

inline constexpr uint64_t kBreakerWindow = 60'000'000'000;
inline constexpr uint64_t kAtOnce = 2'000'000'000;
inline constexpr uint64_t kLately = 30'000'000'000;
inline constexpr uint32_t kBreakerMinimum = 5;  // reaps before it may open
inline constexpr uint64_t kBreakerOpenFor = 600'000'000'000;

// Whether a reap at `now` begins a burst: then note_reap() must be told at what distance
// the group has opened sessions lately.  A client that leaks ten sessions a second opens
// as many after a reap too: it has not come back, and is not to be spared.
bool begins_burst(const Breaker& breaker, uint64_t now);

void note_reap(Breaker& breaker, uint64_t now, uint64_t usual_gap);

// A session of the group opened at `opened`.  True when that opens the breaker: at
// least kBreakerMinimum were reaped in the window and four of five came back at once,
// not counting as many as are usual.
// Called once for each session, and before the reaps that are made after it was seen:
// only the last burst is known.
// `sessions` is how many the group has.
bool note_opened(Breaker& breaker, uint64_t opened, uint32_t sessions, uint64_t now);

// Victims that come back leave their group as large as it was.  One that grows while the
// breaker is open leaks, and the breaker was wrong: closes it, and returns true.
bool close_if_grown(Breaker& breaker, uint32_t sessions, uint64_t now);

bool is_open(const Breaker& breaker, uint64_t now);

}  // namespace leash
