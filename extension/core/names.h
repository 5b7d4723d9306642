// The words that users see, each written once: server and tool share them.
#pragma once

#include <cstdint>

namespace leash {

inline constexpr const char* kLibraryVersion = "1.1";

// A session's state, in PostgreSQL's own words (pg_stat_activity.state).
enum class State : uint8_t {
    unknown,  // not reported yet, or track_activities is off
    active,
    idle,
    idle_in_transaction,
    idle_in_transaction_aborted,
    fastpath,
};

constexpr const char* name_of(State state) {
    switch (state) {
        case State::active:
            return "active";
        case State::idle:
            return "idle";
        case State::idle_in_transaction:
            return "idle in transaction";
        case State::idle_in_transaction_aborted:
            return "idle in transaction (aborted)";
        case State::fastpath:
            return "fastpath function call";
        case State::unknown:
            break;
    }
    return "disabled";
}

// Kinds of leak.  `unused` is listed, but not counted as leaked.
enum class Leak : uint8_t {
    none,
    peer_gone,
    idle_in_transaction,
    aborted_transaction,
    stalled_client,
    abandoned,
    never_used,
    ping_only,
    unused,
};

constexpr const char* name_of(Leak leak) {
    switch (leak) {
        case Leak::peer_gone:
            return "peer gone";
        case Leak::idle_in_transaction:
            return "idle in transaction";
        case Leak::aborted_transaction:
            return "aborted transaction";
        case Leak::stalled_client:
            return "stalled client";
        case Leak::abandoned:
            return "abandoned";
        case Leak::never_used:
            return "never used";
        case Leak::ping_only:
            return "ping only";
        case Leak::unused:
            return "unused";
        case Leak::none:
            break;
    }
    return "";
}

// How much a leak hurts; a smaller value hurts more.
enum class Weight : uint8_t { blocks_others, holds_back_xmin, holds_locks, holds_a_slot };

constexpr const char* name_of(Weight weight) {
    switch (weight) {
        case Weight::blocks_others:
            return "blocks others";
        case Weight::holds_back_xmin:
            return "holds back xmin";
        case Weight::holds_locks:
            return "holds locks";
        case Weight::holds_a_slot:
            break;
    }
    return "holds a slot";
}

// Why a session is no leak, whatever its age.
enum class Exempt : uint8_t {
    none,
    lease,
    backup,
    exported_snapshot,
    imported_snapshot,
    listens,
    advisory_lock,
};

// Whatever a policy includes, and whoever forces.
constexpr bool is_absolute(Exempt exempt) {
    return exempt != Exempt::none && exempt < Exempt::listens;
}

constexpr const char* name_of(Exempt exempt) {
    switch (exempt) {
        case Exempt::lease:
            return "holds a lease";
        case Exempt::backup:
            return "runs a backup";
        case Exempt::exported_snapshot:
            return "exported a snapshot";
        case Exempt::imported_snapshot:
            return "imported a snapshot";
        case Exempt::listens:
            return "listens";
        case Exempt::advisory_lock:
            return "holds an advisory lock";
        case Exempt::none:
            break;
    }
    return "";
}

}  // namespace leash
