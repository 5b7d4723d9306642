#pragma once

#include <string>
#include <vector>

namespace leash::tool {

/// The whole program: arguments without its name in, exit status out.
int run_tool(const std::vector<std::string>& arguments);

}  // namespace leash::tool
