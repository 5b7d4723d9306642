// A round to plan: its policies, its sessions, and the same plan made in a slow and
// plain way to compare with.
#pragma once

#include <algorithm>
#include <map>
#include <set>
#include <vector>

#include "core/policy_plan.h"
#include "policy_samples.h"

namespace leash {

struct PlanWorld {
    std::vector<Policy> policies;
    std::vector<PolicyProgress> progress;
    std::vector<Candidate> sessions;
    Pressure pressure{100, 100};
    std::set<uint64_t> broken;

    void add_policy(const Policy& policy) {
        policies.push_back(policy);
        progress.push_back({});
    }

    uint32_t add_session(const Candidate& session) {
        sessions.push_back(session);
        return static_cast<uint32_t>(sessions.size() - 1);
    }

    static bool is_broken(uint64_t group, void* world) {
        return static_cast<PlanWorld*>(world)->broken.count(group) != 0;
    }

    // No room beyond what is promised, for AddressSanitizer to watch.
    std::vector<Decision> plan() {
        std::vector<uint32_t> scratch(2 * sessions.size(), 0xdeadbeef);
        std::vector<Decision> decisions(sessions.size());
        decisions.resize(plan_round(policies.data(), policies.size(), progress.data(),
                                    sessions.data(), sessions.size(), pressure, is_broken, this,
                                    scratch.data(), decisions.data()));
        return decisions;
    }

    // Of whom it is decided that they are acted on, by the policy of that number.
    std::vector<uint32_t> victims(uint16_t policy = 0) { return with(Spared::no, policy); }

    std::vector<uint32_t> with(Spared spared, uint16_t policy = 0) {
        const std::vector<PolicyProgress> before = progress;
        std::vector<uint32_t> found;
        for (const Decision& decision : plan()) {
            if (decision.spared == spared && decision.policy == policy) {
                found.push_back(decision.candidate);
            }
        }
        progress = before;
        return found;
    }

    std::vector<Decision> plan_slowly();

private:
    bool less_useful(uint32_t a, uint32_t b) const;
    bool slow_pressure(size_t number, uint32_t& target);
};

inline bool PlanWorld::less_useful(uint32_t a, uint32_t b) const {
    const auto key = [this](uint32_t i) {
        const Candidate& s = sessions[i];
        const bool active = s.state == State::active || s.state == State::fastpath;
        return std::tuple(active ? 1 : 0, ~s.unused_for, ~s.idle_for, ~s.opened_ago, i);
    };
    return key(a) < key(b);
}

// By whole numbers: the marks are thousandths here.
inline bool PlanWorld::slow_pressure(size_t number, uint32_t& target) {
    const auto mark = [](float share) { return static_cast<uint64_t>(share * 1000 + 0.5F); };
    const Policy& policy = policies[number];
    const uint64_t above = mark(policy.pressure_above);
    const uint64_t below = policy.pressure_below > 0 ? mark(policy.pressure_below) : above;
    bool& on = progress[number].under_pressure;
    on = uint64_t{1000} * pressure.used > (on ? below : above) * pressure.usable;
    target = static_cast<uint32_t>(below * pressure.usable / 1000);
    return on;
}

inline std::vector<Decision> PlanWorld::plan_slowly() {
    std::vector<Decision> all;
    std::set<uint32_t> seen;
    std::map<uint32_t, Mode> ended;
    for (size_t number = 0; number < policies.size(); number++) {
        const Policy& policy = policies[number];
        uint32_t target = 0;
        const bool pressing = policy.pressure_above > 0;
        if (policy.mode == Mode::off || (pressing && !slow_pressure(number, target))) {
            continue;
        }
        std::vector<uint32_t> matched;
        for (uint32_t i = 0; i < sessions.size(); i++) {
            if (seen.count(i) == 0 && match(policy, sessions[i]) == Mismatch::none) {
                matched.push_back(i);
                seen.insert(i);
            }
        }
        if (policy.action == Action::spare) {
            continue;
        }
        const auto counts = [&](uint32_t i) {
            return ended.count(i) != 0 &&
                   (policy.mode == Mode::observe || ended.at(i) == Mode::enforce);
        };
        const auto by_usefulness = [this](uint32_t a, uint32_t b) { return less_useful(a, b); };
        std::sort(matched.begin(), matched.end(), by_usefulness);
        std::set<uint32_t> kept;
        for (const uint32_t victim : matched) {
            std::vector<uint32_t> staying;
            for (uint32_t i = 0; i < sessions.size(); i++) {
                if (sessions[i].group == sessions[victim].group && !counts(i)) {
                    staying.push_back(i);
                }
            }
            std::sort(staying.rbegin(), staying.rend(), by_usefulness);
            staying.resize(std::min(staying.size(), static_cast<size_t>(policy.keep)));
            kept.insert(staying.begin(), staying.end());
        }
        int64_t acted = policy.max_per_minute > 0 ? progress[number].acted_in_minute : 0;
        int64_t used = pressure.used;
        for (uint32_t i = 0; i < sessions.size(); i++) {
            used -= counts(i) ? 1 : 0;
        }
        for (const uint32_t victim : matched) {
            Spared spared = Spared::no;
            if (policy.action == Action::cancel || policy.action == Action::terminate) {
                if (broken.count(sessions[victim].group) != 0) {
                    spared = Spared::breaker;
                } else if (kept.count(victim) != 0) {
                    spared = Spared::kept;
                } else if (pressing && used <= target) {
                    spared = Spared::pressure;
                } else if (policy.max_per_minute > 0 && acted >= policy.max_per_minute) {
                    spared = Spared::brake;
                } else {
                    acted++;
                    used--;
                }
                if (spared == Spared::no && policy.action == Action::terminate) {
                    ended[victim] = policy.mode;
                }
            }
            all.push_back({victim, static_cast<uint16_t>(number), spared});
        }
    }
    return all;
}

}  // namespace leash
