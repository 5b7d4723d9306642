#pragma once

#include <memory>

#include "cli/options.h"
#include "source/source.h"

namespace leash::tool {

/// Connects.  Throws Failure when that cannot be done.
std::unique_ptr<Source> open_source(const Options& options);

}  // namespace leash::tool
