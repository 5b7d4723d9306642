#include "server/refusals.h"

#include "server/clock.h"
#include "server/minutes.h"
#include "server/shared_state.h"

extern "C" {
#include "libpq/libpq-be.h"
}

namespace leash {
namespace {

bool begins_with(const char* text, const char* prefix) {
    return strncmp(text, prefix, strlen(prefix)) == 0;
}

// By the message's untranslated text, since one SQLSTATE stands for several.
bool classify(const ErrorData* error, Refusal& refusal) {
    const char* const message = error->message_id != nullptr ? error->message_id : "";
    if (error->sqlerrcode == ERRCODE_TOO_MANY_CONNECTIONS) {
        if (begins_with(message, "remaining connection slots are reserved")) {
            refusal = Refusal::reserved_slots;
        } else if (begins_with(message, "too many connections for role")) {
            refusal = Refusal::role_limit;
        } else if (begins_with(message, "too many connections for database")) {
            refusal = Refusal::database_limit;
        } else {
            refusal = Refusal::too_many_clients;
        }
        return true;
    }
    if (error->sqlerrcode == ERRCODE_CANNOT_CONNECT_NOW) {
        refusal = Refusal::unavailable;
        return true;
    }
    if (ERRCODE_TO_CATEGORY(error->sqlerrcode) == ERRCODE_INVALID_AUTHORIZATION_SPECIFICATION) {
        refusal = Refusal::authentication;
        return true;
    }
    return false;
}

// The ring comes round after a day: whoever finds yesterday's minute clears it.
void count_in_minute(Refusal reason, TimestampTz now) {
    const auto minute = static_cast<uint64>(minute_of(now));
    RefusalMinute* const entry = refusal_minute(minute);
    uint64 seen = pg_atomic_read_u64(&entry->minute);
    if (seen != minute && pg_atomic_compare_exchange_u64(&entry->minute, &seen, minute)) {
        for (pg_atomic_uint32& count : entry->refused) {
            pg_atomic_write_u32(&count, 0);
        }
    }
    pg_atomic_fetch_add_u32(&entry->refused[static_cast<int>(reason)], 1);
}

// No lock can be taken here: the process may have no PGPROC.
void keep_event(Refusal reason, TimestampTz now) {
    const uint64_t sequence = pg_atomic_fetch_add_u64(&shared()->refusal_sequence, 1) + 1;
    RefusalEvent* const entry = refusal_event(sequence);
    if (!entry->changes.take()) {
        return;  // another one is being written there: that one is as good
    }
    const Port* const port = MyProcPort;
    entry->sequence = sequence;
    entry->at = now;
    entry->reason = reason;
    strlcpy(entry->usename, port->user_name != nullptr ? port->user_name : "",
            sizeof entry->usename);
    strlcpy(entry->datname, port->database_name != nullptr ? port->database_name : "",
            sizeof entry->datname);
    entry->client = port->raddr;
    entry->changes.give_back();
}

}  // namespace

void note_refusal(const ErrorData* error) {
    Refusal reason{};
    if (MyProcPort == nullptr || !classify(error, reason)) {
        return;
    }
    SharedState* const state = shared();
    const TimestampTz now = GetCurrentTimestamp();
    pg_atomic_fetch_add_u64(&state->refused[static_cast<int>(reason)], 1);
    if (error->sqlerrcode == ERRCODE_TOO_MANY_CONNECTIONS) {
        state->refused_lately.add(monotonic_ns());
    }
    pg_atomic_write_u64(&state->refused_last_at, static_cast<uint64>(now));
    count_in_minute(reason, now);
    keep_event(reason, now);
}

bool read_refusal(uint64_t sequence, RefusalEvent& copy) {
    return copy_entry(*refusal_event(sequence), copy) && copy.sequence == sequence;
}

}  // namespace leash
