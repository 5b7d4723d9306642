// What policies do to the sessions of one moment: which policy decides on whom, and
// whom pressure, keep, brake and breaker spare.
#pragma once

#include <cstddef>
#include <cstdint>

#include "policy_match.h"

namespace leash {

enum class Spared : uint8_t {
    no,        // it is acted on
    kept,      // among the `keep` most useful of its group
    pressure,  // enough others go
    brake,     // max_per_minute is used up
    breaker,   // its group's victims come back at once
};

struct Decision {
    uint32_t candidate;  // index
    uint16_t policy;     // index
    Spared spared;
};

// The server's connections at this moment.
struct Pressure {
    uint32_t used;    // process slots taken
    uint32_t usable;  // max_connections less the reserved ones
};

// Plans one round.  `policies` are ordered by priority.  Writes at most one decision
// for each candidate into `decisions` (room for `count`), least useful sessions first
// within each policy, and returns how many.  `is_broken(group)` tells whether the
// breaker of a group is open.  `scratch` has room for 2 * count values.
// Policies that cancel or terminate alone are held by pressure, keep, brake and breaker.
size_t plan_round(const Policy* policies, size_t policy_count, PolicyProgress* progress,
                  const Candidate* candidates, size_t count, const Pressure& pressure,
                  bool (*is_broken)(uint64_t group, void* context), void* context,
                  uint32_t* scratch, Decision* decisions);

}  // namespace leash
