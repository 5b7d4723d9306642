// Rows of leash.policies as policies.
#pragma once

#include "core/policy.h"

#include "server/compat.h"

extern "C" {
#include "access/htup.h"
#include "access/tupdesc.h"
#include "utils/relcache.h"
}

namespace leash {

// Makes a policy of a row of leash.policies.  Raises an ERROR that names the column
// when a value makes no sense; needs no shared memory, so that dumps restore anywhere.
void policy_from_row(HeapTuple tuple, TupleDesc columns, Policy& policy);

// Raises an ERROR when more policies are enabled than there can be, with what this
// command has written.
void check_policy_count(Relation table);

// Reads all enabled policies, ordered by priority and name, in the current transaction.
// Raises an ERROR when the table is missing, not to be trusted, or broken.  Returns
// how many; `policies` has room for kMaxPolicies.
int read_policy_table(Policy* policies);

}  // namespace leash
