// leash.policies on the server: rows out and in.
#pragma once

#include <span>
#include <vector>

#include "connection/connection.h"
#include "policy/diff.h"

namespace leash::tool {

/// All rows, in the order in which they decide.
std::vector<PolicyRow> read_policies(Connection& connection);

/// Held until the transaction ends: nobody writes policies meanwhile, everybody reads.
inline constexpr const char* kLockPolicies =
    "LOCK TABLE leash.policies IN SHARE ROW EXCLUSIVE MODE";

/// The statement that makes one change.
Query change_query(const PolicyChange& change);

}  // namespace leash::tool
