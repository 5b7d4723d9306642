#include "server/row_set.h"

extern "C" {
#include "access/htup_details.h"
#include "funcapi.h"
#include "utils/tuplestore.h"
}

namespace leash {
namespace {

struct SingleRow {
    TupleDesc descriptor;
    Datum tuple;
};

void take_into_store(void* to, Datum* values, bool* nulls) {
    auto* const result = static_cast<ReturnSetInfo*>(to);
    tuplestore_putvalues(result->setResult, result->setDesc, values, nulls);
}

void take_as_tuple(void* to, Datum* values, bool* nulls) {
    auto* const row = static_cast<SingleRow*>(to);
    row->tuple = HeapTupleGetDatum(heap_form_tuple(row->descriptor, values, nulls));
}

// After an upgrade the library and the SQL objects may be of different versions.
void require_columns(TupleDesc descriptor, const RowSet& set) {
    if (descriptor->natts != set.count) {
        ereport(ERROR, (errcode(ERRCODE_DATATYPE_MISMATCH),
                        errmsg("the library pg_leash does not fit the extension's SQL objects"),
                        errhint("Restart the server after an upgrade, and run ALTER EXTENSION "
                                "pg_leash UPDATE.")));
    }
}

}  // namespace

RowSink store_of(FunctionCallInfo fcinfo) {
    return {take_into_store, fcinfo->resultinfo};
}

Datum return_rows(FunctionCallInfo fcinfo, const RowSet& set) {
    InitMaterializedSRF(fcinfo, 0);
    auto* const result = reinterpret_cast<ReturnSetInfo*>(fcinfo->resultinfo);
    require_columns(result->setDesc, set);
    set.write(store_of(fcinfo));
    return Datum{0};
}

Datum return_row(FunctionCallInfo fcinfo, const RowSet& set) {
    TupleDesc descriptor;
    if (get_call_result_type(fcinfo, nullptr, &descriptor) != TYPEFUNC_COMPOSITE) {
        elog(ERROR, "return type must be a row type");
    }
    require_columns(descriptor, set);
    SingleRow row = {BlessTupleDesc(descriptor), Datum{0}};
    set.write({take_as_tuple, &row});
    return row.tuple;
}

}  // namespace leash
