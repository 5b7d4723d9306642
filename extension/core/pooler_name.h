// Application names as poolers change them.
#pragma once

#include <cstddef>
#include <cstring>

namespace leash {

// The length of a name without what PgBouncer's application_name_add_host appends:
// " - 10.0.0.7:51034", " - [2001:db8::1]:51034" or " - unix(4711@web-1):6432".
inline size_t length_without_host(const char* name) {
    const size_t length = strlen(name);
    size_t at = length;
    while (at > 0 && name[at - 1] >= '0' && name[at - 1] <= '9') {
        at--;
    }
    if (at == length || at == 0 || name[at - 1] != ':') {
        return length;
    }
    at--;
    const size_t colon = at;
    while (at > 0 && name[at - 1] != ' ') {
        at--;
    }
    const bool has_host = at < colon;
    return has_host && at >= 3 && name[at - 2] == '-' && name[at - 3] == ' ' ? at - 3 : length;
}

}  // namespace leash
