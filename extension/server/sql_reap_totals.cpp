// leash.get_reap_totals().
#include "server/reap_totals.h"
#include "server/row_set.h"
#include "server/sql_values.h"

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"policy", ColumnType::text},  {"kind", ColumnType::text},        {"mode", ColumnType::text},
    {"outcome", ColumnType::text}, {"decisions", ColumnType::bigint},
};

void write(const RowSink& sink) {
    ReapTotal* totals = nullptr;
    const int count = copy_reap_totals(&totals);
    for (int i = 0; i < count; i++) {
        const ReapTotal& total = totals[i];
        Row<lengthof(kColumns)> row;
        row.add_if(total.policy[0] != '\0', text_value(total.policy, strlen(total.policy), -1));
        row.add_text(total.kind != Leak::none ? name_of(total.kind) : nullptr);
        row.add_text(name_of(total.mode));
        row.add_text(total.outcome);
        row.add(count_value(total.decisions));
        sink.put(row);
    }
}

}  // namespace

const RowSet kReapTotalSet = {kColumns, lengthof(kColumns), write};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_reap_totals(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_reap_totals);

Datum leash_get_reap_totals(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kReapTotalSet);
}

}  // extern "C"
