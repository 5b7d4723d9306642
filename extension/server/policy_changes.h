// Transactions that change leash.policies, or what the worker reads it from: when they
// commit, the worker has the table read.
#pragma once

#include "server/compat.h"

namespace leash {

// Whether the open transaction may have changed the policies.
extern LEASH_HIDDEN bool policies_change;

// A row was written.  Without preload nobody reads the table, and nothing happens.
void note_policy_change();

// A utility statement is about to run: those that concern the table, the extension or
// the database that pg_leash.database names count.
void note_policy_ddl(const Node* statement);

// Raises an ERROR where rows were written: whoever finished the prepared transaction
// later would know nothing of them.
void check_prepare();

// The transaction has ended.  Cannot fail.
void policies_committed();
void forget_policy_changes();

}  // namespace leash
