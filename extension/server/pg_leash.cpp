// Entry point: what happens when the server loads the library.
#include "server/hooks.h"
#include "server/session.h"
#include "server/settings.h"
#include "server/shared_state.h"
#include "server/worker.h"

#include "core/names.h"

extern "C" {
#include "fmgr.h"
}

extern "C" {

PG_MODULE_MAGIC_EXT(.name = "pg_leash", .version = leash::kLibraryVersion);

PGDLLEXPORT void _PG_init(void);

void _PG_init(void) {
    // Without preload there is no shared memory and no early hook: the functions
    // then say what to do, and dumps restore.
    if (!process_shared_preload_libraries_in_progress) {
        return;
    }
    EnableQueryId();
    leash::settings::define();
    leash::install_shared_state();
    leash::install_session_hooks();
    leash::install_executor_hooks();
    leash::install_utility_hook();
    leash::install_transaction_callbacks();
    leash::install_log_hook();
    leash::register_worker();
}

}  // extern "C"
