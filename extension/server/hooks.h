// The hooks, by what they watch.  Each install function is called from _PG_init.
#pragma once

#include "server/compat.h"

namespace leash {

void install_executor_hooks();
void install_utility_hook();
void install_transaction_callbacks();
void install_log_hook();

// How deep this backend is in planner, executor and utility.
extern int nesting_level;

// Whether what is called now was called by a message, and not by another statement,
// by the planner folding a constant, or by a trigger.
bool at_top_level();

}  // namespace leash
