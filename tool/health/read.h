#pragma once

#include <vector>

#include "health/checks.h"
#include "source/source.h"

namespace leash::tool {

/// What the server says of itself, with limits of its own, and in no more than so many
/// seconds.  Throws QueryError, ControlError.
std::vector<Check> read_checks(Source& source, const ServerInfo& server, double seconds);

}  // namespace leash::tool
