// What one round works on, while it lasts.  For round.cpp and steps.cpp alone.
#pragma once

#include "server/pursuit.h"
#include "server/round.h"

#include "core/policy_plan.h"

namespace leash {

struct Round {
    RoundOptions options;
    uint64_t began;  // monotonic, ns
    char by[NAMEDATALEN];
    PolicySet* set;  // a copy; modes are those in force
    SessionReports all;
    Candidate* candidates;  // of all reports, in the same order
    bool* permitted;        // to the actor; null: all are
    Decision* decisions;
    size_t count;
    uint64_t* causes;       // of all decisions, sorted; null: not asked for yet
    RoundResult result;     // with room for one record of each decision
    MemoryContext results;  // where they live
    LogQueue log;

    const Policy& policy_of(const Decision& decision) const {
        return set->policies[decision.policy];
    }
    const SessionReport& report_of(const Decision& decision) const {
        return all.reports[decision.candidate];
    }
    const Candidate& candidate_of(const Decision& decision) const {
        return candidates[decision.candidate];
    }
    bool wants_results() const { return options.dry_run || OidIsValid(options.actor); }
};

// Does what is due about one decision, under Lock::round.
void act_on(Round& round, const Decision& decision);

// Says what would be done, and does nothing.
void preview(Round& round, const Decision& decision);

}  // namespace leash
