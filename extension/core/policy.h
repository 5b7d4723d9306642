// A policy: whom to act on, after how long, in which circumstance, and how.
//
// A row of leash.policies in a shape that lives in shared memory: plain data, no
// pointers.  The row is read by server/policy_table, judged by policy_match and
// policy_plan.
#pragma once

#include <cstddef>
#include <cstdint>

#include "cidr.h"
#include "names.h"

namespace leash {

inline constexpr int kMaxPolicies = 100;
inline constexpr int kMaxListItems = 32;
inline constexpr size_t kNameSize = 64;  // NAMEDATALEN

// What to do at last.  With a grace the milder steps come first (core/ladder.h).
enum class Action : uint8_t {
    spare,  // later policies do not see what this one matches
    log,
    notify,
    cancel,
    terminate,
};

constexpr const char* name_of(Action action) {
    switch (action) {
        case Action::log:
            return "log";
        case Action::notify:
            return "notify";
        case Action::cancel:
            return "cancel";
        case Action::terminate:
            return "terminate";
        case Action::spare:
            break;
    }
    return "spare";
}

// Whether policies act.  pg_leash.reaping bounds the mode of each policy.
enum class Mode : uint8_t { off, observe, enforce };

constexpr const char* name_of(Mode mode) {
    switch (mode) {
        case Mode::observe:
            return "observe";
        case Mode::enforce:
            return "enforce";
        case Mode::off:
            break;
    }
    return "off";
}

// Up to kMaxListItems names; an empty list is an omitted criterion.
struct NameList {
    uint8_t count;
    char items[kMaxListItems][kNameSize];
};

struct NetworkList {
    uint8_t count;
    Network items[kMaxListItems];
};

// All criteria are ANDed; one that is omitted matches everything.
struct Policy {
    char name[kNameSize];
    int32_t priority;  // smallest first, then by name
    Mode mode;         // observe or enforce
    Action action;

    NameList roles;         // exact
    NameList databases;     // exact
    NameList applications;  // globs
    NetworkList addresses;
    uint32_t kinds;   // bit (1 << Leak); 0: omitted
    uint32_t states;  // bit (1 << State); 0: omitted

    // Ages in nanoseconds; 0: omitted.
    uint64_t idle_for;
    uint64_t unused_for;
    uint64_t xact_for;
    uint64_t statement_for;
    bool learned;  // the application's learned threshold instead of idle_for

    // Circumstance.
    float pressure_above;  // share of the usable connections; 0: omitted
    float pressure_below;  // reap down to this share
    bool blocks_others;
    bool holds_xmin;
    bool peer_gone;

    uint64_t grace;          // between the steps of the escalation; 0: the action at once
    int32_t keep;            // how many sessions of a group are spared, the most useful ones
    int32_t max_per_minute;  // 0: no brake

    bool include_superusers;
    bool include_listeners;
    bool include_lock_holders;
};

// What a round remembers of each policy, from one to the next.
struct PolicyProgress {
    bool under_pressure;       // above its upper mark, and not yet down to the lower one
    uint32_t acted_in_minute;  // how many sessions it ended in the last 60 s
};

}  // namespace leash
