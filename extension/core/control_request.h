// What can be asked over the worker's own socket: one line of words, one request a
// connection.
//
//     pgleash 1 sessions
//     pgleash 1 terminate 65f1c2a3.1f40 force reason told to the client
//
// Shared by the worker, which parses, and the tool, which writes.
#pragma once

#include <cstddef>
#include <cstdint>
#include <string_view>

#include "session_id.h"

namespace leash {

inline constexpr int kControlVersion = 1;
inline constexpr size_t kControlRequestSize = 1024;  // with the end of the line
inline constexpr size_t kControlReasonSize = 200;    // with the terminating zero

enum class ControlVerb : uint8_t {
    status,  // the row of leash.connections
    sessions,
    leaks,
    slow,
    health,
    worker,
    reap_log,
    reap_dry,
    reap_now,
    terminate,
    cancel,
};
inline constexpr int kControlVerbs = 11;

// The words of a verb, with a blank between.
constexpr const char* name_of(ControlVerb verb) {
    constexpr const char* kNames[kControlVerbs] = {
        "status",   "sessions", "leaks",    "slow",      "health", "worker",
        "reap_log", "reap dry", "reap now", "terminate", "cancel",
    };
    return kNames[static_cast<int>(verb)];
}

constexpr bool names_session(ControlVerb verb) {
    return verb == ControlVerb::terminate || verb == ControlVerb::cancel;
}

struct ControlRequest {
    ControlVerb verb;
    SessionId session;                // of terminate and cancel
    bool force;                       // of terminate
    char reason[kControlReasonSize];  // of terminate; may be empty
};

enum class RequestProblem : uint8_t {
    none,
    control_character,
    not_ours,
    other_version,
    unknown_verb,
    no_session_id,
    bad_session_id,
    too_many_words,
    reason_too_long,
};

// Reads a line, without its end.
RequestProblem parse_control_request(std::string_view line, ControlRequest& request);

// One phrase for an error message.
const char* describe(RequestProblem problem);

// Writes the line of a request, with its end, and a terminating zero; `buffer` has
// kControlRequestSize bytes.  Control characters in the reason become blanks.
size_t format_control_request(const ControlRequest& request, char* buffer);

}  // namespace leash
