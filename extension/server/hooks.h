// The hooks, by what they watch.  Each install function is called from _PG_init.
#pragma once

#include "server/session.h"

extern "C" {
#include "tcop/pquery.h"
}

namespace leash {

void install_executor_hooks();
void install_utility_hook();
void install_transaction_callbacks();
void install_log_hook();

// How deep this backend is in planner, executor and utility.  Set back by whoever
// returns, not by who is left by an error: after an error that nobody caught,
// reset_nesting() is called, and a new message starts at 0 whatever was left behind.
extern LEASH_HIDDEN int nesting_level;
void reset_nesting();

// A level above 0 is this message's, or was left behind by an error.
bool is_still_nested();

inline bool is_nested() {
    return unlikely(nesting_level != 0) && is_still_nested();
}

// One level deeper.  Not by PG_TRY, which costs a statement that does not fail more
// than all the rest; and leave() is no destructor, since an error would leap over it.
class Nested {
public:
    Nested() : level_(nesting_level) { nesting_level = level_ + 1; }
    void leave() const { nesting_level = level_; }

private:
    int level_;
};

// Whether what is called now was called by a message, and not by another statement,
// by the planner folding a constant, or by a trigger.
inline bool at_top_level() {
    return my_slot != nullptr && ActivePortal != nullptr && !is_nested();
}

// Whether the transaction event that is reported now comes from the message loop,
// and not from inside a statement (CALL).
inline bool at_transaction_level() {
    return !is_nested();
}

}  // namespace leash
