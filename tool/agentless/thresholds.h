#pragma once

#include <cstdint>

namespace leash::tool {

/// Where no extension has settings for them; defaults are those of the settings.
/// Microseconds; 0 switches a kind off.
struct AgentlessThresholds {
    std::int64_t idle_in_transaction = 60'000'000;
    std::int64_t idle = 600'000'000;
    std::int64_t never_used = 600'000'000;
    std::int64_t stalled_client = 60'000'000;
};

}  // namespace leash::tool
