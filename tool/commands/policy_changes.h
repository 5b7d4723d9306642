// A difference between a file and the table, for people and for programs.
#pragma once

#include <span>
#include <string>

#include "commands/context.h"
#include "policy/diff.h"

namespace leash::tool {

/// The changes in the format asked for; `applied` is said in JSON of policy apply.
std::string render_changes(Context& context, const char* command,
                           std::span<const PolicyChange> changes, bool applied);

}  // namespace leash::tool
