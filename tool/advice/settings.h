// Settings to change, where what was seen speaks for it: PostgreSQL's own timeouts that
// would do instead of policies, and settings of the server that contradict its load.
// Asks nobody.
#pragma once

#include <string>
#include <vector>

#include "advice/pools.h"
#include "evidence/evidence.h"

namespace leash::tool {

struct SettingAdvice {
    std::string name;      ///< the setting, or what else is to be changed
    std::string about;     ///< "role api", "the server"
    std::string evidence;  ///< what was seen, with numbers
    std::string paste;     ///< lines; empty: no number follows from what was measured
    std::string does;      ///< how far it does what a policy would, and what else is to be known
    std::string risk;
    std::string undo;
};

/// In the order in which they matter.  `plan` is what pools of the same evidence need.
std::vector<SettingAdvice> advise_settings(const Evidence& evidence, const PoolPlan& plan);

}  // namespace leash::tool
