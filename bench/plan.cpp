// How long it takes to plan a round: 100 policies on 2,000 sessions, without a server.
#include <algorithm>
#include <chrono>
#include <cstdio>
#include <string>
#include <vector>

#include "core/policy_plan.h"

namespace {

using namespace leash;

constexpr size_t kSessions = 2'000;
constexpr int kRounds = 50;
constexpr uint64_t kSecond = 1'000'000'000;

void add(NameList& list, const std::string& name) {
    snprintf(list.items[list.count++], kNameSize, "%s", name.c_str());
}

struct Load {
    std::vector<std::string> names;
    std::vector<Policy> policies;
    std::vector<Candidate> sessions;
};

// `applications` groups, of which every tenth session is at work.
Load make_sessions(size_t applications) {
    Load load;
    for (size_t i = 0; i < applications; i++) {
        load.names.push_back("service-" + std::to_string(i) + "-worker");
    }
    for (size_t i = 0; i < kSessions; i++) {
        Candidate session{};
        session.role = "app";
        session.database = "shop";
        session.application = load.names[i % applications].c_str();
        session.address = {4, {10, 0, 1, static_cast<uint8_t>(i % applications)}};
        session.group = (i % applications + 1) * 0x9e3779b97f4a7c15;
        session.state = i % 10 == 0 ? State::active : State::idle;
        session.kind = i % 10 == 0 ? Leak::none : Leak::unused;
        session.idle_for = session.unused_for = (i * 7'919 % kSessions) * kSecond;
        load.sessions.push_back(session);
    }
    return load;
}

Policy make_policy() {
    Policy policy{};
    policy.mode = Mode::enforce;
    policy.action = Action::terminate;
    policy.keep = 2;
    policy.max_per_minute = 10;
    return policy;
}

// By age, as most are: names are asked of few.
Load by_age() {
    Load load = make_sessions(50);
    for (uint64_t i = 0; i < kMaxPolicies; i++) {
        Policy policy = make_policy();
        add(policy.applications, "service-" + std::to_string(i) + "-*");
        policy.idle_for = (1'000 + i) * kSecond;
        load.policies.push_back(policy);
    }
    return load;
}

// By name alone: nobody is ruled out by anything but globs that all but match.
Load by_name(size_t applications, int globs) {
    Load load = make_sessions(applications);
    for (int i = 0; i < kMaxPolicies; i++) {
        Policy policy = make_policy();
        for (int k = 0; k < globs; k++) {
            add(policy.applications, "*e*v*-[0-9]*-worker?");
        }
        load.policies.push_back(policy);
    }
    return load;
}

bool is_broken(uint64_t group, void*) {
    return group % 7 == 0;
}

void measure(const char* what, const Load& load) {
    std::vector<PolicyProgress> progress(load.policies.size());
    std::vector<uint32_t> scratch(2 * kSessions);
    std::vector<Decision> decisions(kSessions);
    std::vector<double> times;
    size_t decided = 0;
    for (int round = 0; round < kRounds; round++) {
        const auto begun = std::chrono::steady_clock::now();
        decided = plan_round(load.policies.data(), load.policies.size(), progress.data(),
                             load.sessions.data(), kSessions, {kSessions, kSessions}, is_broken,
                             nullptr, scratch.data(), decisions.data());
        const std::chrono::duration<double, std::milli> took =
            std::chrono::steady_clock::now() - begun;
        times.push_back(took.count());
    }
    std::sort(times.begin(), times.end());
    printf("%-46s %8zu %8.3f %8.3f\n", what, decided, times[times.size() / 2],
           times[times.size() * 99 / 100]);
}

}  // namespace

int main() {
    printf("%zu sessions, %d policies\n\n%-46s %8s %8s %8s\n", kSessions, kMaxPolicies, "policies",
           "decided", "p50 ms", "p99 ms");
    measure("by age and a glob, 50 applications", by_age());
    measure("by two globs alone, 50 applications", by_name(50, 2));
    measure("by two globs alone, 2000 applications", by_name(kSessions, 2));
    measure("by 32 globs alone, 50 applications", by_name(50, kMaxListItems));
    Load none = make_sessions(50);
    none.policies.assign(kMaxPolicies, make_policy());
    for (Policy& policy : none.policies) {
        policy.states = 1u << static_cast<unsigned>(State::idle_in_transaction);
    }
    measure("a state that nobody is in", none);
    none.policies.assign(1, make_policy());
    measure("one for all that are idle", none);
    return 0;
}
