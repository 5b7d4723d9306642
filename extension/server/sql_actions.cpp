// leash.terminate(), leash.cancel(), leash.reset(), leash.library_version().
#include "server/applications.h"
#include "server/by_hand.h"
#include "server/reaper.h"
#include "server/index_candidates.h"
#include "server/slow_summary.h"
#include "server/sql_values.h"
#include "server/worker.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "utils/acl.h"
#include "utils/builtins.h"
}

namespace leash {
namespace {

SessionId session_id_argument(FunctionCallInfo fcinfo) {
    if (PG_ARGISNULL(0)) {
        ereport(ERROR,
                (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED), errmsg("session id must not be null"),
                 errhint("Session ids are in the column session_id of leash.sessions.")));
    }
    const char* const given = text_to_cstring(PG_GETARG_TEXT_PP(0));
    SessionId id{};
    if (!parse_session_id(given, id)) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_TEXT_REPRESENTATION),
                        errmsg("invalid session id: \"%s\"", given),
                        errhint("A session id looks like 65f1c2a3.1f40; see the column session_id "
                                "of leash.sessions.")));
    }
    return id;
}

// As pg_signal_backend() decides, but on the session that will be acted on.
void require_permission(const SessionIdentity& target) {
    if (superuser_arg(target.role)) {
        if (!superuser()) {
            ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                            errmsg("must be a superuser to act on a superuser's session")));
        }
        return;
    }
    if (!has_privs_of_role(GetUserId(), target.role) &&
        !has_privs_of_role(GetUserId(), ROLE_PG_SIGNAL_BACKEND)) {
        ereport(ERROR, (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
                        errmsg("permission denied to act on another role's session"),
                        errhint("Only roles with privileges of the role whose session it is, or of "
                                "\"pg_signal_backend\", may do so.")));
    }
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_library_version(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_terminate(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_cancel(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_reset(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(leash_library_version);
PG_FUNCTION_INFO_V1(leash_terminate);
PG_FUNCTION_INFO_V1(leash_cancel);
PG_FUNCTION_INFO_V1(leash_reset);

Datum leash_library_version([[maybe_unused]] PG_FUNCTION_ARGS) {
    PG_RETURN_TEXT_P(cstring_to_text(leash::kLibraryVersion));
}

Datum leash_terminate(PG_FUNCTION_ARGS) {
    leash::require_preload();
    const leash::SessionId id = leash::session_id_argument(fcinfo);
    const char* const reason = PG_ARGISNULL(1) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(1));
    const bool force = !PG_ARGISNULL(2) && PG_GETARG_BOOL(2);
    leash::SessionIdentity target;
    leash::SessionSlot* const slot = leash::find_session(id, target);
    if (slot == nullptr) {
        PG_RETURN_TEXT_P(cstring_to_text(leash::kGone));
    }
    leash::require_permission(target);
    PG_RETURN_TEXT_P(cstring_to_text(leash::terminate_by_hand(slot, target, reason, force)));
}

Datum leash_cancel(PG_FUNCTION_ARGS) {
    leash::require_preload();
    const leash::SessionId id = leash::session_id_argument(fcinfo);
    const char* const reason = PG_ARGISNULL(1) ? nullptr : text_to_cstring(PG_GETARG_TEXT_PP(1));
    leash::SessionIdentity target;
    leash::SessionSlot* const slot = leash::find_session(id, target);
    if (slot == nullptr) {
        PG_RETURN_TEXT_P(cstring_to_text(leash::kGone));
    }
    leash::require_permission(target);
    PG_RETURN_TEXT_P(cstring_to_text(leash::cancel_by_hand(slot, target, reason)));
}

Datum leash_reset(PG_FUNCTION_ARGS) {
    leash::require_preload();
    const char* const what = text_to_cstring(PG_GETARG_TEXT_PP(0));
    const bool all = strcmp(what, "all") == 0;
    const bool slow = all || strcmp(what, "slow_statements") == 0;
    const bool connections = all || strcmp(what, "connections") == 0;
    const bool applications = all || strcmp(what, "applications") == 0;
    const bool worker = all || strcmp(what, "worker") == 0;
    if (!slow && !connections && !applications && !worker) {
        ereport(ERROR,
                (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("cannot reset \"%s\"", what),
                 errhint("Use 'slow_statements', 'connections', 'applications', 'worker' or "
                         "'all'.")));
    }
    leash::SharedState* const state = leash::shared();
    if (slow) {
        pg_atomic_write_u64(&state->slow_reset, pg_atomic_read_u64(&state->slow_sequence));
        pg_atomic_write_u64(&state->slow_lost, 0);
        leash::forget_summaries();
        leash::forget_index_candidates();
    }
    if (connections) {
        for (int i = 0; i < leash::kRefusals; i++) {
            pg_atomic_write_u64(&state->refused_reset[i], pg_atomic_read_u64(&state->refused[i]));
        }
        pg_atomic_write_u64(&state->refused_last_at, 0);
        for (pg_atomic_uint64& cell : state->refused_lately.cells) {
            pg_atomic_write_u64(&cell, 0);
        }
        pg_atomic_write_u64(&state->opened_reset, pg_atomic_read_u64(&state->opened_total));
        pg_atomic_write_u64(&state->peak_used, pg_atomic_read_u32(&state->sessions));
        pg_atomic_write_u64(&state->peak_at, static_cast<uint64>(GetCurrentTimestamp()));
        pg_atomic_fetch_add_u32(&state->peaks_reset, 1);
        leash::forget_sessions_without_room();
        leash::wake_worker();
    }
    if (applications) {
        leash::forget_applications();
    }
    if (worker) {
        pg_atomic_fetch_add_u32(&state->longest_reset, 1);
        leash::wake_worker();
    }
    pg_atomic_write_u64(&state->stats_reset, static_cast<uint64>(GetCurrentTimestamp()));
    PG_RETURN_VOID();
}

}  // extern "C"
