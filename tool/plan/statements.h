// What slow statements cost, for the rules on them.
#pragma once

#include <string>
#include <vector>

#include "plan/situation.h"

namespace leash::tool::plan {

/// The time that slow statements took, held against all that statements took.
struct Cost {
    double seconds = 0;
    double share = 0;     ///< of all statement time, 0 to 1
    double sessions = 0;  ///< that they kept busy, in the mean
};
Cost cost_of(const Situation& situation, double seconds);

/// "12s, 8.5 % of all statement time: 0.3 sessions in the mean"
std::string cost_text(const Cost& cost);

/// Candidates of one table and columns as one, without those that exist, that another one
/// covers, or that were not needed in the last day.
struct MissingIndex {
    std::string database;
    std::string table;
    std::string columns;
    std::int64_t statements = 0;
    std::int64_t rows_scanned = 0;
    std::int64_t rows_kept = 0;
    Cost cost;
    Instant last_seen;
    std::vector<const SlowFacts*> slow;  ///< the statements, as far as they are known
};

/// Those that cost enough for a finding, the most costly first.
std::vector<MissingIndex> missing_indexes(const Situation& situation);

/// Slow statements for which an index is there meanwhile: whether it helps, the next ones
/// will show.
std::vector<const SlowFacts*> indexed_meanwhile(const Situation& situation);

}  // namespace leash::tool::plan
