// Whether one policy matches one session.
#pragma once

#include <cstdint>

#include "peer.h"
#include "policy.h"
#include "verdict.h"

namespace leash {

// A session as policies see it.  Names are zero-terminated; durations nanoseconds.
struct Candidate {
    const char* role;
    const char* database;
    const char* application;
    Address address;
    uint64_t group;  // same role, database, application and address

    State state;
    ClientWait client_wait;
    Leak kind;              // as judged before any exemption
    uint64_t idle_for;      // 0 while active
    uint64_t learned_idle;  // of its application; 0: not known
    uint64_t unused_for;
    uint64_t xact_for;
    uint64_t statement_for;  // 0 when no statement runs
    bool blocks_others;
    bool holds_xmin;
    Peer peer;

    bool superuser;
    bool listens;
    bool advisory_lock;
    bool untouchable;  // an absolute exemption, the own session, a wait for a standby
    uint64_t opened_ago;
};

// Why a policy does not match: for `policy test`, and for the tests.
enum class Mismatch : uint8_t {
    none,
    role,
    database,
    application,
    address,
    kind,
    state,
    age,
    circumstance,
    reach,  // a superuser, a listener or a lock holder that it does not include
    untouchable,
};

// The criteria that time does not change: names, addresses, reach.
Mismatch match_identity(const Policy& policy, const Candidate& candidate);

// The first criterion that fails, in the order above; all but pressure, which is not a
// session's.
//   - An active session is matched only by a policy that names active sessions (by
//     states, by kinds, or by statement_for) or spares.
//   - A session whose state is unknown is never matched, nor is an untouchable one.
//   - An age that does not apply to the session (0) is never old enough.
//   - To spare somebody needs no include_: reach limits who is acted on.
Mismatch match(const Policy& policy, const Candidate& candidate);

// Whether match() finds nothing, cheapest criteria first.
bool matches(const Policy& policy, const Candidate& candidate);

// The parts of matches(): what is the same for all sessions of one identity (role,
// database, application and address), and what is not.
bool matches_names(const Policy& policy, const Candidate& candidate);
bool matches_moment(const Policy& policy, const Candidate& candidate);

}  // namespace leash
