// Fixes that several rules propose.
#pragma once

#include <string>
#include <vector>

#include "advice/pools.h"
#include "plan/situation.h"

namespace leash::tool::plan {

/// Whom a finding is about.
struct Party {
    std::string application;
    std::string role;
    std::string database;

    std::string who() const;  ///< in words, marked
};

/// "--app x --user y --db z", for pgleash.
std::string filter_options(const Party& party);

/// pgleash terminate --leaked for these sessions.
Fix end_leaked(const Party& party, std::int64_t sessions, bool in_transaction);

struct PolicyText {
    std::string name;     ///< is cut to what a policy's name may be
    std::string kinds;    ///< as TOML: "\"abandoned\", \"unused\""
    std::string more;     ///< further lines of TOML
    std::string comment;  ///< of the policy
};

/// A policy that observes, as a file to apply; and, a day later, how to enforce it.
std::vector<Fix> reap_by_policy(const Party& party, const PolicyText& policy);

/// What advise settings proposes; empty when it does not.
std::vector<Fix> change_setting(const Situation& situation, std::string_view name,
                                const std::string& about, When when, const std::string& what);

/// The pool's size for each client that the application may be, or for node-postgres and
/// PgBouncer where its name does not tell.
std::vector<Fix> limit_pool(const PoolAdvice& advice);

/// PgBouncer in front, without a change of the application.
Fix put_pooler(const PoolAdvice& advice);

}  // namespace leash::tool::plan
