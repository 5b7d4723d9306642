#pragma once

#include <string>

namespace leash::tool {

/// Asks on the controlling terminal without echo; without one, on standard
/// error and input.  Throws Failure at end of input.
std::string prompt_password(const std::string& question);

}  // namespace leash::tool
