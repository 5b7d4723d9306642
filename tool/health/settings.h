// What files and variables say about health, and what the command line says instead.
#pragma once

#include "config/settings.h"
#include "health/checks.h"

namespace leash::tool {

inline constexpr double kDefaultTimeoutSeconds = 10;

HealthSettings health_settings(const Settings& settings);

/// The command line wins: limits one by one, the rest where it says anything.
HealthSettings merged(HealthSettings settings, const HealthSettings& command_line);

}  // namespace leash::tool
