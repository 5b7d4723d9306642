// Policies and sessions to test with.
#pragma once

#include <cstring>
#include <initializer_list>

#include "core/policy_match.h"

namespace leash {

inline constexpr uint64_t kSecond = 1'000'000'000;

inline void add(NameList& list, const char* name) {
    strncpy(list.items[list.count++], name, kNameSize - 1);
}

inline void add(NetworkList& list, const char* text) {
    parse_network(text, list.items[list.count++]);
}

template <class Bit>
uint32_t bits(std::initializer_list<Bit> values) {
    uint32_t all = 0;
    for (const Bit value : values) {
        all |= 1u << static_cast<unsigned>(value);
    }
    return all;
}

// Matches every session that is idle.
inline Policy any_idle(Action action = Action::terminate) {
    Policy policy{};
    strcpy(policy.name, "any");
    policy.mode = Mode::enforce;
    policy.action = action;
    return policy;
}

// An idle session without anything to protect it.
inline Candidate idle_session(uint64_t seconds = 100) {
    Candidate session{};
    session.role = "app";
    session.database = "shop";
    session.application = "web-1";
    session.address = {4, {10, 1, 2, 3}};
    session.group = 1;
    session.state = State::idle;
    session.client_wait = ClientWait::read;
    session.kind = Leak::unused;
    session.idle_for = session.unused_for = seconds * kSecond;
    session.opened_ago = 10'000 * kSecond;
    return session;
}

inline Candidate active_session(uint64_t seconds = 100) {
    Candidate session = idle_session();
    session.state = State::active;
    session.client_wait = ClientWait::none;
    session.kind = Leak::none;
    session.idle_for = 0;
    session.unused_for = 0;
    session.xact_for = session.statement_for = seconds * kSecond;
    return session;
}

}  // namespace leash
