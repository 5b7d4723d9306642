// Session ids, as %c of log_line_prefix prints them: start time and process id,
// both in hexadecimal, with a dot between ("65f1c2a3.1f40").
#pragma once

#include <cstddef>
#include <cstdint>

namespace leash {

struct SessionId {
    int64_t start_time;  // seconds since 1970, when the process was started
    int32_t pid;

    bool operator==(const SessionId&) const = default;
};

inline constexpr size_t kSessionIdLength = 16 + 1 + 8;

// Writes the id with a terminating zero; `buffer` has kSessionIdLength + 1 bytes.
void format_session_id(const SessionId& id, char* buffer);

// False when `text` is no session id; both numbers must be positive.
bool parse_session_id(const char* text, SessionId& id);

}  // namespace leash
