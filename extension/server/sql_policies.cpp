// leash.get_policies_in_force().
#include "server/policy_store.h"
#include "server/settings.h"
#include "server/sql_values.h"

extern "C" {
#include "funcapi.h"
#include "utils/tuplestore.h"
}

namespace leash {
namespace {

constexpr int kColumns = 5;

void add_policy(ReturnSetInfo* result, const Policy& policy, int rank) {
    Row<kColumns> row;
    row.add(Int32GetDatum(rank));
    row.add(text_value(may_read_all() ? policy.name : kInsufficientPrivilege));
    row.add(Int32GetDatum(policy.priority));
    row.add(text_value(name_of(Min(policy.mode, settings::reaping()))));
    row.add(text_value(name_of(policy.action)));
    Assert(row.complete());
    tuplestore_putvalues(result->setResult, result->setDesc, row.values, row.nulls);
}

}  // namespace
}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_policies_in_force(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_policies_in_force);

Datum leash_get_policies_in_force(PG_FUNCTION_ARGS) {
    leash::require_preload();
    InitMaterializedSRF(fcinfo, 0);
    auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    const leash::PolicySet* const set = leash::copy_policies();
    for (int i = 0; i < set->count; i++) {
        leash::add_policy(result, set->policies[i], i + 1);
    }
    return Datum{0};
}

}  // extern "C"
