#include "policy_plan.h"

#include <algorithm>
#include <cstring>

namespace leash {
namespace {

// What a round knows of each candidate.
constexpr uint32_t kNewNames = 1u << 0;  // it differs in names from the one before it
constexpr uint32_t kDecided = 1u << 1;   // by a policy: later ones do not see it
constexpr uint32_t kGoes = 1u << 2;      // a policy that enforces ends it
constexpr uint32_t kWouldGo = 1u << 3;   // a policy that observes would end it

constexpr uint32_t kAll = UINT32_MAX;

bool is_active(const Candidate& candidate) {
    return candidate.state == State::active || candidate.state == State::fastpath;
}

bool is_held(const Policy& policy) {
    return policy.action == Action::cancel || policy.action == Action::terminate;
}

bool same_names(const Candidate& a, const Candidate& b) {
    return strcmp(a.application, b.application) == 0 && strcmp(a.role, b.role) == 0 &&
           strcmp(a.database, b.database) == 0 && a.address.family == b.address.family &&
           memcmp(a.address.bytes, b.address.bytes, sizeof a.address.bytes) == 0;
}

// In single precision a share such as 90 of 100 is exactly what 0.9 is read as.
float share(uint32_t part, uint32_t whole) {
    return static_cast<float>(part) / static_cast<float>(whole);
}

float lower_mark(const Policy& policy) {
    const bool given = policy.pressure_below > 0 && policy.pressure_below < policy.pressure_above;
    return given ? policy.pressure_below : policy.pressure_above;
}

// How many sessions fewer would bring the server down to the lower mark; 0 when there
// is no pressure.  Between the marks it goes on until the lower one is reached.
uint32_t excess(const Policy& policy, PolicyProgress& progress, const Pressure& pressure) {
    const float below = lower_mark(policy);
    if (pressure.usable == 0) {
        progress.under_pressure = false;
        return 0;
    }
    const float now = share(pressure.used, pressure.usable);
    progress.under_pressure = now > (progress.under_pressure ? below : policy.pressure_above);
    if (!progress.under_pressure) {
        return 0;
    }
    auto target = static_cast<uint32_t>(below * static_cast<float>(pressure.usable)) + 1;
    while (share(target, pressure.usable) > below) {
        target--;
    }
    return pressure.used > target ? pressure.used - target : 0;
}

struct Plan {
    const Candidate* candidates;
    size_t count;
    uint32_t* order;  // candidates by group, least useful first
    uint32_t* flags;  // of each candidate
    Decision* decisions;
    size_t decided;
    uint32_t going;     // decided to be ended by policies that enforce
    uint32_t would_go;  // by policies that observe

    bool less_useful(uint32_t a, uint32_t b) const {
        const Candidate& x = candidates[a];
        const Candidate& y = candidates[b];
        if (is_active(x) != is_active(y)) {
            return is_active(y);
        }
        if (x.unused_for != y.unused_for) {
            return x.unused_for > y.unused_for;
        }
        if (x.idle_for != y.idle_for) {
            return x.idle_for > y.idle_for;
        }
        return x.opened_ago != y.opened_ago ? x.opened_ago > y.opened_ago : a < b;
    }

    void sort_candidates();
    void collect(const Policy& policy, uint16_t number);
    void hold_groups(const Policy& policy, size_t first,
                     bool (*is_broken)(uint64_t group, void* context), void* context);
    void keep_in_group(const Policy& policy, size_t begin, size_t end, const Decision* first,
                       Decision* last) const;
    void hold_counts(const Policy& policy, size_t first, uint32_t needed, uint32_t allowed);
};

void Plan::sort_candidates() {
    for (uint32_t i = 0; i < count; i++) {
        order[i] = i;
    }
    std::sort(order, order + count, [this](uint32_t a, uint32_t b) {
        const uint64_t x = candidates[a].group;
        const uint64_t y = candidates[b].group;
        return x != y ? x < y : less_useful(a, b);
    });
    for (size_t i = 0; i < count; i++) {
        // By the names themselves: who chooses his application's name must not be able
        // to pass for another by its hash.
        const bool same = i > 0 && same_names(candidates[order[i]], candidates[order[i - 1]]);
        flags[order[i]] = same ? 0 : kNewNames;
    }
}

// Decides on all that the policy matches, in the order of the groups.
void Plan::collect(const Policy& policy, uint16_t number) {
    enum { kNotAsked, kNo, kYes } names = kNotAsked;
    for (size_t i = 0; i < count; i++) {
        const uint32_t index = order[i];
        if ((flags[index] & kNewNames) != 0) {
            names = kNotAsked;
        }
        if (names == kNo || (flags[index] & kDecided) != 0 ||
            !matches_moment(policy, candidates[index])) {
            continue;
        }
        if (names == kNotAsked) {
            names = matches_names(policy, candidates[index]) ? kYes : kNo;
        }
        if (names == kYes) {
            flags[index] |= kDecided;
            if (policy.action != Action::spare) {
                decisions[decided++] = {index, number, Spared::no};
            }
        }
    }
}

// Breaker and keep, over the decisions from `first` on, which are in the same order as
// the candidates.
void Plan::hold_groups(const Policy& policy, size_t first,
                       bool (*is_broken)(uint64_t group, void* context), void* context) {
    const auto group_at = [this](size_t i) { return candidates[order[i]].group; };
    size_t begin = 0;
    for (Decision* next = decisions + first; next != decisions + decided;) {
        const uint64_t group = candidates[next->candidate].group;
        Decision* const last =
            std::find_if(next, decisions + decided, [this, group](const Decision& decision) {
                return candidates[decision.candidate].group != group;
            });
        if (is_broken != nullptr && is_broken(group, context)) {
            std::for_each(next, last, [](Decision& d) { d.spared = Spared::breaker; });
        } else if (policy.keep > 0) {
            while (group_at(begin) != group) {
                begin++;
            }
            size_t end = begin + 1;
            while (end < count && group_at(end) == group) {
                end++;
            }
            keep_in_group(policy, begin, end, next, last);
            begin = end;
        }
        next = last;
    }
}

// Spares the `keep` most useful of those of the group that do not go anyway.  Its
// decisions by this policy are those from `first` to `last`.
void Plan::keep_in_group(const Policy& policy, size_t begin, size_t end, const Decision* first,
                         Decision* last) const {
    const uint32_t gone = policy.mode == Mode::enforce ? kGoes : kGoes | kWouldGo;
    int32_t kept = 0;
    for (size_t i = end; i > begin && kept < policy.keep; i--) {
        const uint32_t index = order[i - 1];
        if ((flags[index] & gone) != 0) {
            continue;
        }
        kept++;
        if (last > first && last[-1].candidate == index) {
            last--;
            last->spared = Spared::kept;
        }
    }
}

// Pressure and brake: no more than `needed` go, and no more than `allowed`.
void Plan::hold_counts(const Policy& policy, size_t first, uint32_t needed, uint32_t allowed) {
    for (size_t i = first; i < decided; i++) {
        Decision& decision = decisions[i];
        if (decision.spared != Spared::no) {
            continue;
        }
        if (needed == 0) {
            decision.spared = Spared::pressure;
        } else if (allowed == 0) {
            decision.spared = Spared::brake;
        } else {
            needed--;
            allowed--;
            if (policy.action == Action::terminate) {
                const bool enforced = policy.mode == Mode::enforce;
                flags[decision.candidate] |= enforced ? kGoes : kWouldGo;
                (enforced ? going : would_go)++;
            }
        }
    }
}

uint32_t left_by_brake(const Policy& policy, const PolicyProgress& progress) {
    if (policy.max_per_minute <= 0) {
        return kAll;
    }
    const auto most = static_cast<uint32_t>(policy.max_per_minute);
    return most > progress.acted_in_minute ? most - progress.acted_in_minute : 0;
}

}  // namespace

size_t plan_round(const Policy* policies, size_t policy_count, PolicyProgress* progress,
                  const Candidate* candidates, size_t count, const Pressure& pressure,
                  bool (*is_broken)(uint64_t group, void* context), void* context,
                  // NOLINTNEXTLINE(readability-non-const-parameter): the plan writes there.
                  uint32_t* scratch, Decision* decisions) {
    Plan plan{candidates, count, scratch, scratch + count, decisions, 0, 0, 0};
    plan.sort_candidates();
    for (size_t i = 0; i < policy_count; i++) {
        const Policy& policy = policies[i];
        if (policy.mode == Mode::off) {
            continue;
        }
        uint32_t needed = kAll;
        if (policy.pressure_above > 0) {
            needed = excess(policy, progress[i], pressure);
            if (!progress[i].under_pressure) {
                continue;
            }
            // What only observes does not free a slot.
            const uint32_t others = plan.going + (policy.mode == Mode::enforce ? 0 : plan.would_go);
            needed -= std::min(needed, others);
        }
        const size_t first = plan.decided;
        plan.collect(policy, static_cast<uint16_t>(i));
        if (is_held(policy)) {
            plan.hold_groups(policy, first, is_broken, context);
        }
        std::sort(decisions + first, decisions + plan.decided,
                  [&plan](const Decision& a, const Decision& b) {
                      return plan.less_useful(a.candidate, b.candidate);
                  });
        if (is_held(policy)) {
            plan.hold_counts(policy, first, needed, left_by_brake(policy, progress[i]));
        }
    }
    return plan.decided;
}

}  // namespace leash
