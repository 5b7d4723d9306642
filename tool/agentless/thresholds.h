#pragma once

#include <cstdint>
#include <optional>

#include "config/settings.h"

namespace leash::tool {

/// Where no extension has settings for them; defaults are those of the settings.
/// Microseconds; 0 switches a kind of leak off, and takes all statements for slow.
struct AgentlessThresholds {
    std::int64_t idle_in_transaction = 60'000'000;
    std::int64_t idle = 600'000'000;
    std::int64_t never_used = 600'000'000;
    std::int64_t stalled_client = 60'000'000;
    std::int64_t slow_statement = 1'000'000;
};

/// Those that somebody chose.
struct ChosenThresholds {
    std::optional<std::int64_t> idle_in_transaction;
    std::optional<std::int64_t> idle;
    std::optional<std::int64_t> never_used;
    std::optional<std::int64_t> stalled_client;
    std::optional<std::int64_t> slow_statement;
};

/// What files and variables say.
ChosenThresholds chosen_thresholds(const Settings& settings);

/// The first one wins.
ChosenThresholds merged(const ChosenThresholds& command_line, const ChosenThresholds& settings);

/// With the defaults where nobody chose.
AgentlessThresholds completed(const ChosenThresholds& chosen);

}  // namespace leash::tool
