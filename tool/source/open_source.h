#pragma once

#include <memory>

#include "cli/options.h"
#include "source/source.h"

namespace leash::tool {

/// Connects.  When every slot is taken, turns to the worker's own socket and says so.
/// Throws Failure when neither can be had.
std::unique_ptr<Source> open_source(const Options& options);

}  // namespace leash::tool
