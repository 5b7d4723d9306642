// Turns what is stored into SQL values, whatever bytes it holds.
#pragma once

#include "server/shared_state.h"

extern "C" {
#include "fmgr.h"
#include "utils/builtins.h"
}

namespace leash {

// One row of a set-returning function, filled from the left.
template <int Columns>
class Row {
public:
    void add(Datum value) {
        values[at] = value;
        nulls[at++] = false;
    }
    void add_null() {
        values[at] = Datum{0};
        nulls[at++] = true;
    }
    void add(NullableDatum value) {
        values[at] = value.value;
        nulls[at++] = value.isnull;
    }
    void add_if(bool known, Datum value) { add(NullableDatum{value, !known}); }
    void add_nulls(int count) {
        while (count-- > 0) {
            add_null();
        }
    }
    // One of ours, in ASCII; null when there is none, or it is empty.
    void add_text(const char* text) {
        if (text != nullptr && text[0] != '\0') {
            add(CStringGetTextDatum(text));
        } else {
            add_null();
        }
    }
    bool complete() const { return at == Columns; }

    Datum values[Columns];
    bool nulls[Columns];
    int at = 0;
};

// A text in any encoding as text of this database; what cannot be shown becomes '?'.
Datum text_value(const char* bytes, size_t length, int encoding);

inline Datum text_value(const char* text) {
    return text_value(text, strlen(text), -1);
}

inline constexpr NullableDatum kNull = {Datum{0}, true};

inline NullableDatum known(Datum value) {
    return {value, false};
}

// The tags in a statement's comment as jsonb; null when it has none.
NullableDatum tags_value(const char* bytes, size_t length, int encoding);

// The text of a slow statement, or why it is not shown.
NullableDatum slow_text_value(const StoredText<kSlowTextSize>& text, bool secret, bool visible);

// Names of shared objects; null when they are gone.
NullableDatum role_name(Oid role);
NullableDatum database_name(Oid database);

// A client's address and port; for Unix sockets null and -1, as in pg_stat_activity.
NullableDatum address_value(const SockAddr& address);
NullableDatum port_value(const SockAddr& address);

Datum interval_value(uint64_t ns);

inline NullableDatum interval_if(bool is_known, uint64_t ns) {
    return is_known ? known(interval_value(ns)) : kNull;
}

inline Datum count_value(uint64_t count) {
    return Int64GetDatum(static_cast<int64>(count));
}

Datum session_id_value(const SessionId& id);

// What is shown in place of a text that the caller may not see, as in pg_stat_activity.
inline constexpr const char* kInsufficientPrivilege = "<insufficient privilege>";

// Whether the caller may see texts, address and state of this role's sessions.
bool may_read_sessions_of(Oid role);

// Whether the caller may see what is of nobody's session, as messages of the server are.
bool may_read_all();

}  // namespace leash
