// The checks of leash.health() that PostgreSQL's own views can answer, by the same names
// and limits.
#pragma once

#include <optional>

#include "agentless/rows.h"

namespace leash::tool {

/// What no session tells.
struct ServerCounts {
    Slots slots;
    bool sees_all = false;         ///< the xmin of every process
    std::optional<long> xmin_age;  ///< nullopt: nobody holds one
    std::string xmin_holder;       ///< "session with pid 42"
    std::uint64_t blks_hit = 0;    ///< of all databases, since their statistics were reset
    std::uint64_t blks_read = 0;
    std::optional<std::string> stats_reset;  ///< the last one of any of them
};

ServerCounts read_server_counts(Connection& connection, const PlainSample& sample);

/// Checks that would need what this user may not see are left out.
RawRows health_rows(const ServerCounts& counts, const PlainSample& sample);

}  // namespace leash::tool
