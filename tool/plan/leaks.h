// Leaked sessions of one application that leak in the same way.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "plan/fixes.h"
#include "plan/situation.h"

namespace leash::tool::plan {

enum class LeakWay {
    kOpenTransaction,  ///< idle in transaction, aborted transaction
    kForgotten,        ///< abandoned, never used, ping only
    kStalledClient,
    kClientGone,
};

struct LeakGroup {
    LeakWay way = LeakWay::kForgotten;
    Party party;
    std::int64_t sessions = 0;
    std::int64_t blocked = 0;
    double oldest = 0;  ///< seconds
    double growth = 0;  ///< sessions an hour; 0: no trend is known
    std::optional<double> exhausted_in;
    bool holds_xmin = false;
    std::vector<const CauseFacts*> causes;  ///< most sessions first
};

/// All groups, in no order that matters.
std::vector<LeakGroup> leak_groups(const Evidence& evidence);

// What a leak's finding says and proposes, by its way.
std::string leak_title(const LeakGroup& group);
std::string leak_diagnosis(const LeakGroup& group);
std::vector<Fix> leak_fixes(const Situation& situation, const LeakGroup& group);

}  // namespace leash::tool::plan
