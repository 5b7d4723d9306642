// leash.lease(), leash.release().
#include "server/clock.h"
#include "server/lease.h"
#include "server/session.h"
#include "server/settings.h"

#include "core/session_id.h"

extern "C" {
#include "common/int.h"
#include "fmgr.h"
#include "mb/pg_wchar.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
}

namespace leash {
namespace {

void require_session() {
    require_preload();
    if (my_slot == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("only a client's session can hold a lease")));
    }
}

const char* shown(const Interval* duration) {
    return DatumGetCString(DirectFunctionCall1(interval_out, IntervalPGetDatum(duration)));
}

void refuse_too_long(const Interval* duration) {
    const char* const most = GetConfigOptionByName("pg_leash.lease_max", nullptr, false);
    if (settings::lease_max == 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("leases are switched off"),
                        errdetail("\"pg_leash.lease_max\" is 0.")));
    }
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                    errmsg("lease of %s is longer than \"pg_leash.lease_max\" (%s)",
                           shown(duration), most),
                    errhint("Take a shorter one, and another before it runs out.")));
}

// In microseconds; a day has 24 hours, and months have no length that is known.
int64 checked_duration(const Interval* duration) {
    if (duration->month != 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("a lease cannot be measured in months or years"),
                        errhint("Give it in days, hours or minutes.")));
    }
    int64 days = 0;
    int64 whole = 0;
    if (pg_mul_s64_overflow(duration->day, USECS_PER_DAY, &days) ||
        pg_add_s64_overflow(days, duration->time, &whole)) {
        whole = duration->day > 0 ? PG_INT64_MAX : -1;
    }
    if (whole <= 0) {
        ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE),
                        errmsg("duration of a lease must be positive"),
                        errhint("leash.release() gives a lease back.")));
    }
    if (whole > static_cast<int64>(settings::lease_max) * 1000) {
        refuse_too_long(duration);
    }
    return whole;
}

void refuse_no_reason() {
    ereport(ERROR, (errcode(ERRCODE_INVALID_PARAMETER_VALUE), errmsg("a lease needs a reason"),
                    errhint("Say in the second argument what the session idles for: it is shown "
                            "in leash.sessions.")));
}

void log_lease(const Lease& lease) {
    char id[kSessionIdLength + 1];
    format_session_id(my_slot->identity.id, id);
    char* const role = GetUserNameFromId(my_slot->identity.role, true);
    ereport(LOG_SERVER_ONLY,
            (errhidestmt(true), errmsg("session %s of role \"%s\" takes a lease until %s: %s", id,
                                       role != nullptr ? role : "",
                                       timestamptz_to_str(lease.until_wall), lease.reason)));
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_lease(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_release(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(leash_lease);
PG_FUNCTION_INFO_V1(leash_release);

Datum leash_lease(PG_FUNCTION_ARGS) {
    leash::require_session();
    if (PG_ARGISNULL(0)) {
        ereport(ERROR, (errcode(ERRCODE_NULL_VALUE_NOT_ALLOWED),
                        errmsg("duration of a lease must not be null")));
    }
    const int64 duration = leash::checked_duration(PG_GETARG_INTERVAL_P(0));
    const char* const reason = PG_ARGISNULL(1) ? "" : text_to_cstring(PG_GETARG_TEXT_PP(1));
    if (strspn(reason, " \t\r\n") == strlen(reason)) {
        leash::refuse_no_reason();
    }
    leash::Lease lease{};
    lease.until = leash::monotonic_ns() + static_cast<uint64_t>(duration) * 1000;
    lease.until_wall = GetCurrentTimestamp() + duration;
    lease.encoding = GetDatabaseEncoding();
    const int length =
        pg_mbcliplen(reason, static_cast<int>(strlen(reason)), leash::kReasonSize - 1);
    memcpy(lease.reason, reason, static_cast<size_t>(length));
    leash::log_lease(lease);
    leash::take_lease(lease);
    PG_RETURN_TIMESTAMPTZ(lease.until_wall);
}

Datum leash_release([[maybe_unused]] PG_FUNCTION_ARGS) {
    leash::require_session();
    PG_RETURN_BOOL(leash::drop_lease());
}

}  // extern "C"
