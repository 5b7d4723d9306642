#include "policy/trial.h"

#include <arpa/inet.h>
#include <cstring>
#include <numeric>
#include <tuple>

#include "core/policy_names.h"
#include "core/pooler_name.h"

namespace leash::tool {
namespace {

void set_name(char (&to)[kNameSize], const std::string& from) {
    const std::size_t length = std::min(from.size(), kNameSize - 1);
    std::memcpy(to, from.data(), length);
    to[length] = '\0';
}

void set_names(NameList& list, const std::vector<std::string>& names) {
    for (const std::string& name : names) {
        if (list.count < kMaxListItems) {
            set_name(list.items[list.count++], name);
        }
    }
}

void set_networks(NetworkList& list, const std::vector<std::string>& networks) {
    for (const std::string& text : networks) {
        Network network{};
        if (list.count < kMaxListItems &&
            parse_network(text.c_str(), network) == NetworkProblem::none) {
            list.items[list.count++] = network;
        }
    }
}

template <typename Word>
std::uint32_t set_of(const std::vector<std::string>& words, bool (*parse)(const char*, Word&)) {
    std::uint32_t bits = 0;
    for (const std::string& text : words) {
        Word word{};
        if (parse(text.c_str(), word)) {
            bits |= 1U << static_cast<unsigned>(word);
        }
    }
    return bits;
}

std::uint64_t age_of(const PolicyRow& row, const char* column) {
    const auto* us = std::get_if<Microseconds>(&row[column]);
    return us == nullptr ? 0 : static_cast<std::uint64_t>(us->value) * 1000;
}

float share_of(const PolicyRow& row, const char* column) {
    const auto* share = std::get_if<double>(&row[column]);
    return share == nullptr ? 0 : static_cast<float>(*share);
}

// Which kinds tell the state.
State state_of(Leak kind) {
    switch (kind) {
        case Leak::idle_in_transaction:
            return State::idle_in_transaction;
        case Leak::aborted_transaction:
            return State::idle_in_transaction_aborted;
        case Leak::abandoned:
        case Leak::never_used:
        case Leak::ping_only:
        case Leak::unused:
            return State::idle;
        default:
            return State::unknown;
    }
}

void point_to_names(TrialSession& session) {
    session.facts.role = session.role.c_str();
    session.facts.database = session.database.c_str();
    session.facts.application = session.application.c_str();
    session.facts.address = core_address(session.address);
}

// Same role, database, application (without what a pooler appended) and address: numbered
// as they come.
void number_groups(std::span<TrialSession> sessions) {
    std::map<std::tuple<std::string, std::string, std::string, std::string>, std::uint64_t> groups;
    for (TrialSession& session : sessions) {
        const auto [group, added] = groups.try_emplace(
            {session.role, session.database,
             session.application.substr(0, length_without_host(session.application.c_str())),
             session.address},
            groups.size() + 1);
        session.facts.group = group->second;
    }
}

// What a policy asks for, as far as a row of the journal can answer.
Policy recorded_part(const Policy& policy, bool knows_state) {
    Policy part = policy;
    part.states = knows_state ? policy.states : 0;
    part.xact_for = 0;
    part.learned = false;
    part.holds_xmin = false;
    return part;
}

}  // namespace

Policy core_policy(const PolicyRow& row) {
    Policy policy{};
    set_name(policy.name, row.name);
    policy.priority = static_cast<std::int32_t>(number_of(row, "priority"));
    parse_mode(text_of(row, "mode").c_str(), policy.mode);
    parse_action(text_of(row, "action").c_str(), policy.action);
    set_names(policy.roles, list_of(row, "roles"));
    set_names(policy.databases, list_of(row, "databases"));
    set_names(policy.applications, list_of(row, "applications"));
    set_networks(policy.addresses, list_of(row, "addresses"));
    policy.kinds = set_of(list_of(row, "kinds"), parse_kind);
    policy.states = set_of(list_of(row, "states"), parse_state);
    policy.idle_for = age_of(row, "idle_for");
    policy.unused_for = age_of(row, "unused_for");
    policy.xact_for = age_of(row, "xact_for");
    policy.statement_for = age_of(row, "statement_for");
    policy.learned = is_true(row, "learned");
    policy.pressure_above = share_of(row, "pressure_above");
    policy.pressure_below = share_of(row, "pressure_below");
    policy.blocks_others = is_true(row, "blocks_others");
    policy.holds_xmin = is_true(row, "holds_xmin");
    policy.peer_gone = is_true(row, "peer_gone");
    policy.grace = age_of(row, "grace");
    policy.keep = static_cast<std::int32_t>(number_of(row, "keep"));
    policy.max_per_minute = static_cast<std::int32_t>(number_of(row, "max_per_minute"));
    policy.include_superusers = is_true(row, "include_superusers");
    policy.include_listeners = is_true(row, "include_listeners");
    policy.include_lock_holders = is_true(row, "include_lock_holders");
    return policy;
}

void set_recorded(Candidate& facts, Leak kind, std::uint64_t age) {
    facts.kind = kind;
    facts.state = state_of(kind);
    facts.idle_for = age;
    facts.unused_for = age;
    facts.statement_for = age;
    facts.peer = kind == Leak::peer_gone ? Peer::closed : Peer::unknown;
}

Address core_address(const std::string& text) {
    Address address{};
    if (inet_pton(AF_INET, text.c_str(), address.bytes) == 1) {
        address.family = 4;
    } else if (inet_pton(AF_INET6, text.c_str(), address.bytes) == 1) {
        address.family = 6;
    }
    return address;
}

std::vector<TrialDecision> plan_now(std::span<const Policy> policies,
                                    std::span<TrialSession> sessions, const Pressure& pressure) {
    std::vector<Policy> enforcing(policies.begin(), policies.end());
    for (Policy& policy : enforcing) {
        policy.mode = Mode::enforce;
    }
    number_groups(sessions);
    std::vector<Candidate> candidates;
    for (TrialSession& session : sessions) {
        point_to_names(session);
        candidates.push_back(session.facts);
    }
    std::vector<PolicyProgress> progress(policies.size());
    std::vector<std::uint32_t> scratch(2 * candidates.size());
    std::vector<Decision> decisions(candidates.size());
    decisions.resize(plan_round(enforcing.data(), enforcing.size(), progress.data(),
                                candidates.data(), candidates.size(), pressure, nullptr, nullptr,
                                scratch.data(), decisions.data()));
    std::vector<TrialDecision> out;
    for (const Decision& decision : decisions) {
        out.push_back({decision.candidate, decision.policy, decision.spared});
    }
    return out;
}

std::size_t find_policy(std::span<const Policy> policies, const TrialSession& session) {
    TrialSession copy = session;
    point_to_names(copy);
    const bool knows_state = copy.facts.state != State::unknown;
    if (!knows_state) {
        copy.facts.state = State::idle;
    }
    for (std::size_t i = 0; i < policies.size(); ++i) {
        if (matches(recorded_part(policies[i], knows_state), copy.facts)) {
            return i;
        }
    }
    return policies.size();
}

std::vector<std::string> unrecorded(const PolicyRow& row) {
    std::vector<std::string> columns;
    for (const char* column :
         {"xact_for", "learned", "holds_xmin", "pressure_above", "keep", "max_per_minute"}) {
        if (!is_fallback(policy_column(column), row[column])) {
            columns.emplace_back(column);
        }
    }
    return columns;
}

}  // namespace leash::tool
