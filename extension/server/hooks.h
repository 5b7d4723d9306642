// The hooks, by what they watch.  Each install function is called from _PG_init.
#pragma once

#include "server/compat.h"

namespace leash {

void install_executor_hooks();
void install_utility_hook();
void install_transaction_callbacks();
void install_log_hook();

// How deep this backend is in planner, executor and utility.  Set back by whoever
// returns, not by who is left by an error: after an error that nobody caught,
// reset_nesting() is called, and a new message starts at 0 whatever was left behind.
extern int nesting_level;
extern TimestampTz nesting_message;  // in which it was last counted from 0
void reset_nesting();

// One level deeper.  Not by PG_TRY, which costs a statement that does not fail more
// than all the rest; and leave() is no destructor, since an error would leap over it.
class Nested {
public:
    Nested() : level_(nesting_level) {
        if (level_ == 0) {
            nesting_message = GetCurrentStatementStartTimestamp();
        }
        nesting_level = level_ + 1;
    }
    void leave() const { nesting_level = level_; }

private:
    int level_;
};

// Whether what is called now was called by a message, and not by another statement,
// by the planner folding a constant, or by a trigger.
bool at_top_level();

// Whether the transaction event that is reported now comes from the message loop,
// and not from inside a statement (CALL).
bool at_transaction_level();

}  // namespace leash
