// The rules: each adds the findings that the evidence supports, or none.  The thresholds
// stand in their files, each with its reason.
#pragma once

#include <vector>

#include "plan/finding.h"
#include "plan/situation.h"

namespace leash::tool::plan {

using Findings = std::vector<Finding>;

// In the order in which they are asked: some leave to others what those have said.
void find_leaks(const Situation& situation, Findings& findings);
void find_big_pools(const Situation& situation, Findings& findings);
void find_no_pool(const Situation& situation, Findings& findings);
void find_spikes(const Situation& situation, Findings& findings);
void find_long_transactions(const Situation& situation, Findings& findings);
void find_missing_indexes(const Situation& situation, Findings& findings);
void find_slow_statements(const Situation& situation, Findings& findings);
void find_cache_misses(const Situation& situation, Findings& findings);
void find_held_back(const Situation& situation, Findings& findings);
void find_compute_hours(const Situation& situation, Findings& findings);
void find_refusals(const Situation& situation, Findings& findings);

}  // namespace leash::tool::plan
