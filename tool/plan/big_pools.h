// Pools that hold many more connections than they use.
#pragma once

#include <vector>

#include "advice/pools.h"
#include "plan/situation.h"

namespace leash::tool::plan {

struct BigPool {
    const ApplicationFacts* facts = nullptr;
    const PoolAdvice* advice = nullptr;
    std::int64_t held = 0;    ///< sessions, but for those that leak in a transaction
    std::int64_t excess = 0;  ///< of them, beyond what is needed
};

/// Those that a finding is about, the largest excess first; none: there is no finding.
std::vector<BigPool> big_pools(const Situation& situation);

/// Whether what an application keeps idle was opened as a pool is filled.
bool is_filled_as_a_pool(const ApplicationFacts& facts, std::int64_t held);

}  // namespace leash::tool::plan
