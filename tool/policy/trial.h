// What policies would do: to the sessions of now, and to those of recorded decisions.
// The judgement is the server's own code, in core/.
#pragma once

#include <array>
#include <map>
#include <span>
#include <string>
#include <vector>

#include "core/policy_plan.h"
#include "policy/row.h"

namespace leash::tool {

/// A policy in the shape that core/ judges by.
Policy core_policy(const PolicyRow& row);

/// A session and all that its Candidate points into.
struct TrialSession {
    std::string session_id;
    std::string role;
    std::string database;
    std::string application;
    std::string address;  ///< empty: a Unix socket
    std::string seen_at;  ///< of a recorded decision; empty: now
    Candidate facts{};    ///< names and group are filled in by plan_now() and find_policy()
};

/// Who would be acted on by which policy, by index.
struct TrialDecision {
    std::size_t session = 0;
    std::size_t policy = 0;
    Spared spared = Spared::no;
};

/// Reads an address as the server prints it.
Address core_address(const std::string& text);

/// One round over the sessions, every policy taken as enforcing.  `policies` are in the
/// order in which they decide.
std::vector<TrialDecision> plan_now(std::span<const Policy> policies,
                                    std::span<TrialSession> sessions, const Pressure& pressure);

/// The facts that a row of the journal holds: its kind, and the age that it was judged by.
void set_recorded(Candidate& facts, Leak kind, std::uint64_t age);

/// The policy that would have decided on a session of the journal, or policies.size().
/// What the journal does not record (see unrecorded()) is taken as met.
std::size_t find_policy(std::span<const Policy> policies, const TrialSession& session);

/// The columns that a policy asks for and the journal does not record.
std::vector<std::string> unrecorded(const PolicyRow& row);

}  // namespace leash::tool
