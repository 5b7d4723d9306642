// Watches what is logged: refused connections, which leave no other trace, errors
// on their way to the client, and the end of a claimed session, whose client is
// told why.
#include "server/clock.h"
#include "server/hooks.h"
#include "server/refusals.h"
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

void emit_log(ErrorData* error) {
    // The logging collector runs this hook too, and has let go of shared memory.
    if (!in_hook && shared() != nullptr && UsedShmemSegAddr != nullptr) {
        in_hook = true;
        if (my_slot == nullptr) {
            if (error->elevel == FATAL) {
                note_refusal(error);
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
