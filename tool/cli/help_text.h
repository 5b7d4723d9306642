#pragma once

#include <string>

namespace leash::tool {

/// CLI11's help, spaced as PostgreSQL's programs space theirs.
std::string cleaned_help(std::string help);

}  // namespace leash::tool
