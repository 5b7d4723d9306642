// The checks as a JSON document.
#pragma once

#include <string>
#include <vector>

#include "connection/server.h"
#include "health/checks.h"

namespace leash::tool {

/// "ok", "warning", "critical", "unknown".
std::string word_of(HealthStatus status);

/// Checks as examined() orders them.
std::string health_document(const ServerInfo& server, const std::vector<Check>& checks);

/// When no check could be made.
std::string health_document(HealthStatus status, const std::string& message);

}  // namespace leash::tool
