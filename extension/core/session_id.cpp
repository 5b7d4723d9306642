#include "session_id.h"

#include <charconv>
#include <cstring>

namespace leash {

void format_session_id(const SessionId& id, char* buffer) {
    char* const end = buffer + kSessionIdLength;
    char* at = std::to_chars(buffer, end, static_cast<uint64_t>(id.start_time), 16).ptr;
    *at++ = '.';
    at = std::to_chars(at, end, static_cast<uint32_t>(id.pid), 16).ptr;
    *at = '\0';
}

bool parse_session_id(const char* text, SessionId& id) {
    const char* const end = text + strlen(text);
    int64_t start_time = 0;
    const auto [dot, error] = std::from_chars(text, end, start_time, 16);
    if (error != std::errc{} || dot == end || *dot != '.' || start_time <= 0) {
        return false;
    }
    int32_t pid = 0;
    const auto [stop, pid_error] = std::from_chars(dot + 1, end, pid, 16);
    if (pid_error != std::errc{} || stop != end || pid <= 0) {
        return false;
    }
    id = {start_time, pid};
    return true;
}

}  // namespace leash
