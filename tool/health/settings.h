// The [health] table of the configuration file, and what the command line says instead.
#pragma once

#include "config/config.h"
#include "health/checks.h"

namespace leash::tool {

inline constexpr double kDefaultTimeoutSeconds = 10;

/// Throws Failure with the place of what is wrong.
HealthSettings read_health_settings(ConfigTable table);

/// The command line wins: limits one by one, the rest where it says anything.
HealthSettings merged(HealthSettings file, const HealthSettings& command_line);

}  // namespace leash::tool
