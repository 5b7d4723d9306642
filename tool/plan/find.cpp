#include "plan/find.h"

#include <algorithm>

#include "plan/rules.h"

namespace leash::tool::plan {
namespace {

constexpr void (*kRules[])(const Situation&, Findings&) = {
    find_leaks,           find_big_pools,         find_no_pool,
    find_spikes,          find_long_transactions, find_missing_indexes,
    find_slow_statements, find_cache_misses,      find_held_back,
    find_compute_hours,   find_refusals,
};

bool is_worse(const Finding& a, const Finding& b) {
    return a.harm != b.harm ? a.harm < b.harm : a.weight > b.weight;
}

}  // namespace

const char* name_of(Harm harm) {
    switch (harm) {
        case Harm::kStandstill:
            return "standstill";
        case Harm::kRefused:
            return "connections refused";
        case Harm::kShortage:
            return "slots run short";
        case Harm::kSlow:
            return "slow";
        case Harm::kWaste:
            return "waste";
        case Harm::kRisk:
            return "risk";
    }
    return "";
}

std::string Finding::id() const {
    std::string id = kind;
    for (const std::string* part : {&cause, &application, &subject}) {
        id += part->empty() ? "" : "/" + *part;
    }
    return id;
}

std::vector<Finding> find(const Evidence& evidence) {
    const Situation situation(evidence);
    Findings findings;
    for (const auto rule : kRules) {
        rule(situation, findings);
    }
    std::stable_sort(findings.begin(), findings.end(), is_worse);
    return findings;
}

}  // namespace leash::tool::plan
