// The triggers of leash.policies: each row is checked before it is written, and the
// statement warns about what was written.
#include "server/policy_changes.h"
#include "server/policy_check.h"
#include "server/policy_row.h"
#include "server/policy_table.h"
#include "server/policy_warnings.h"
#include "server/settings.h"

extern "C" {
#include "commands/dbcommands.h"
#include "commands/trigger.h"
#include "executor/tuptable.h"
#include "fmgr.h"
#include "utils/memutils.h"
#include "utils/rel.h"
#include "utils/tuplestore.h"
}

namespace leash {
namespace {

TriggerData* trigger_data(FunctionCallInfo fcinfo, const char* function) {
    if (!CALLED_AS_TRIGGER(fcinfo)) {
        ereport(ERROR, (errcode(ERRCODE_E_R_I_E_TRIGGER_PROTOCOL_VIOLATED),
                        errmsg("function leash.%s() must be called as a trigger", function)));
    }
    return reinterpret_cast<TriggerData*>(fcinfo->context);
}

// A policy that reaches superusers is theirs to write.
void check_reach(HeapTuple row, TupleDesc columns) {
    PolicyRow policy(row, columns);
    char name[kNameSize];
    policy.read_name(name);
    if (policy.read_bool("include_superusers") && !superuser()) {
        ereport(
            ERROR,
            (errcode(ERRCODE_INSUFFICIENT_PRIVILEGE),
             errmsg("must be superuser to write policy \"%s\", which includes superusers", name),
             error_column("include_superusers")));
    }
}

// INSERT ... ON CONFLICT UPDATE calls twice, first for what it has updated.
bool was_warned(const TriggerData& data) {
    static TimestampTz updated_by = 0;
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    if (TRIGGER_FIRED_BY_UPDATE(data.tg_event)) {
        updated_by = message;
        return false;
    }
    return updated_by == message;
}

// True when policies that are written here are in force.
bool warn_of_database(const TriggerData& data) {
    const char* const here = get_database_name(MyDatabaseId);
    if (here == nullptr || strcmp(here, settings::database) == 0) {
        return true;
    }
    if (was_warned(data)) {
        return false;
    }
    ereport(
        WARNING,
        (errcode(ERRCODE_WARNING), errmsg("policies in database \"%s\" are not in force", here),
         errdetail("The setting pg_leash.database names the database whose policies are: \"%s\".",
                   settings::database),
         errhint("Write them there.")));
    return false;
}

// Calls `visit` for each enabled policy that the statement wrote.
template <class Visit>
void each_written(const TriggerData& data, Visit visit) {
    const TupleDesc columns = RelationGetDescr(data.tg_relation);
    TupleTableSlot* const slot = MakeSingleTupleTableSlot(columns, &TTSOpsMinimalTuple);
    auto* const policy = static_cast<Policy*>(palloc(sizeof(Policy)));
    tuplestore_rescan(data.tg_newtable);
    while (tuplestore_gettupleslot(data.tg_newtable, true, false, slot)) {
        bool to_free = false;
        const HeapTuple row = ExecFetchSlotHeapTuple(slot, false, &to_free);
        if (PolicyRow(row, columns).read_bool("enabled")) {
            policy_from_row(row, columns, *policy);
            visit(*policy);
        }
        ExecClearTuple(slot);
    }
    ExecDropSingleTupleTableSlot(slot);
}

void warn_of_written(const TriggerData& data) {
    if (tuplestore_tuple_count(data.tg_newtable) == 0) {
        return;
    }
    each_written(data, [](const Policy& policy) { warn_without_effect(policy); });
    if (shared() == nullptr || !warn_of_database(data)) {
        return;
    }
    const PolicyWarnings warnings = PolicyWarnings::make();
    each_written(data, [&warnings](const Policy& policy) { warnings.warn(policy); });
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_check_policy(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_check_policy);

// BEFORE INSERT OR UPDATE OR DELETE, for each row.
Datum leash_check_policy(PG_FUNCTION_ARGS) {
    const TriggerData* const data = leash::trigger_data(fcinfo, "check_policy");
    const TupleDesc columns = RelationGetDescr(data->tg_relation);
    leash::note_policy_change();
    if (TRIGGER_FIRED_BY_DELETE(data->tg_event)) {
        return PointerGetDatum(data->tg_trigtuple);
    }
    HeapTuple row = data->tg_trigtuple;
    if (TRIGGER_FIRED_BY_UPDATE(data->tg_event)) {
        leash::check_reach(row, columns);
        row = data->tg_newtuple;
    }
    auto* const policy = static_cast<leash::Policy*>(palloc(sizeof(leash::Policy)));
    leash::policy_from_row(row, columns, *policy);
    pfree(policy);
    leash::check_reach(row, columns);
    return PointerGetDatum(row);
}

PGDLLEXPORT Datum leash_policies_written(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_policies_written);

// AFTER INSERT, AFTER UPDATE (both with the rows written) and AFTER TRUNCATE, for each
// statement.
Datum leash_policies_written(PG_FUNCTION_ARGS) {
    const TriggerData* const data = leash::trigger_data(fcinfo, "policies_written");
    leash::note_policy_change();
    if (data->tg_newtable != nullptr) {
        leash::check_policy_count(data->tg_relation);
        leash::warn_of_written(*data);
    }
    return PointerGetDatum(static_cast<void*>(nullptr));
}

}  // extern "C"
