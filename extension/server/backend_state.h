// What PostgreSQL itself says about one session, read from its own entry without
// copying the whole array.
#pragma once

#include "server/shared_state.h"

#include "core/verdict.h"

namespace leash {

struct BackendState {
    State state;
    TimestampTz state_change;
    TimestampTz xact_start;   // 0: none
    TimestampTz query_start;  // when the message came whose text is shown
    uint32 wait_event;        // 0: not waiting
    ClientWait client_wait;
    bool in_sync_rep;   // waits for a standby, or is about to
    uint64_t cpu_time;  // ns that its process has used, when it waits_for_client(); else 0
};

// In the middle of a command, or of sending its result.
bool waits_for_client(const BackendState& backend);

// Where PostgreSQL keeps a session's state, and how to know that it is still its own.
struct BackendEntry {
    PgBackendStatus* status;
    int32_t pid;
    TimestampTz backend_start;
};

// Reads the state of the session in slot `number`, when it is still the one that
// `identity` names.  Takes no lock and allocates nothing: the claim calls it.
bool read_backend_state(int number, const SessionIdentity& identity, BackendState& state);
bool read_backend_state(int number, const BackendEntry& entry, BackendState& state);

// The texts that go with it: application_name and the text of the last query.
// `activity` has pgstat_track_activity_query_size bytes; both are zero-terminated.
bool read_backend_texts(const SessionIdentity& identity, char (&application)[NAMEDATALEN],
                        char* activity);

// Its application_name alone.
bool read_application_name(const SessionIdentity& identity, char (&name)[NAMEDATALEN]);

// Copies a slot's identity; false when it was being written.
bool read_identity(const SessionSlot& slot, SessionIdentity& identity);

}  // namespace leash
