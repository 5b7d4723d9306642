// Watches what is logged: refused connections, which leave no other trace, errors
// on their way to the client, and the end of a claimed session, whose client is
// told why.
#include "server/clock.h"
#include "server/hooks.h"
#include "server/session.h"
#include "server/statement.h"
#include "server/victim.h"

extern "C" {
#include "libpq/libpq-be.h"
#include "storage/pg_shmem.h"
}

namespace leash {
namespace {

emit_log_hook_type prev_emit_log = nullptr;
bool in_hook = false;

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

void count_refusal(const ErrorData* error) {
    Refusal refusal{};
    if (MyProcPort == nullptr || !classify(error, refusal)) {
        return;
    }
    SharedState* const state = shared();
    pg_atomic_fetch_add_u64(&state->refused[static_cast<int>(refusal)], 1);
    if (error->sqlerrcode == ERRCODE_TOO_MANY_CONNECTIONS) {
        state->refused_lately.add(monotonic_ns());
    }
    pg_atomic_write_u64(&state->refused_last_at, static_cast<uint64>(GetCurrentTimestamp()));
}

void emit_log(ErrorData* error) {
    // The logging collector runs this hook too, and has let go of shared memory.
    if (!in_hook && shared() != nullptr && UsedShmemSegAddr != nullptr) {
        in_hook = true;
        if (my_slot == nullptr) {
            if (error->elevel == FATAL) {
                count_refusal(error);
            }
        } else if (error->elevel == ERROR) {
            statement_fails(error->sqlerrcode);
            error_leaves();
        } else if (error->elevel == FATAL && error->sqlerrcode == ERRCODE_ADMIN_SHUTDOWN) {
            tell_victim(error);
        }
        in_hook = false;
    }
    if (prev_emit_log != nullptr) {
        prev_emit_log(error);
    }
}

}  // namespace

void install_log_hook() {
    prev_emit_log = emit_log_hook;
    emit_log_hook = emit_log;
}

}  // namespace leash
