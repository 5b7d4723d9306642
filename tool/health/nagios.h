// Text as monitoring programs read it from plugins: the first line says it all and ends
// with performance data, the others tell more.
#pragma once

#include <string>
#include <vector>

#include "health/checks.h"

namespace leash::tool {

/// Checks as examined() orders them.
std::string nagios_text(const std::vector<Check>& checks);

/// One line, when there is nothing to check.
std::string nagios_line(HealthStatus status, const std::string& message);

/// "connections=0.5;0.8;0.95;0"; a check without a value has none.
std::string performance_data(const std::vector<Check>& checks);

}  // namespace leash::tool
