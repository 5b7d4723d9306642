// Sets of rows, made once and sent to whoever asks: as the result of an SQL function,
// or over the control socket.
#pragma once

#include "server/compat.h"

extern "C" {
#include "fmgr.h"
}

namespace leash {

// The SQL type of a column.
enum class ColumnType : uint8_t {
    text,
    name,
    integer,
    bigint,
    real,  // double precision
    numeric,
    boolean,
    instant,   // timestamptz
    interval,  // never months
    address,   // inet
    json,      // jsonb
    integers,  // integer[], no element null
};

struct ColumnInfo {
    const char* name;
    ColumnType type;
};

// Takes rows one by one.
struct RowSink {
    void (*take)(void* to, Datum* values, bool* nulls);
    void* to;

    template <class Row>
    void put(Row& row) const {
        Assert(row.complete());
        take(to, row.values, row.nulls);
    }
};

// Rows that write() puts into a sink; the columns are those of the SQL function.
// Needs a transaction, and no database.
struct RowSet {
    const ColumnInfo* columns;
    int count;
    void (*write)(const RowSink& sink);
};

extern LEASH_HIDDEN const RowSet kSessionSet;
extern LEASH_HIDDEN const RowSet kApplicationSet;
extern LEASH_HIDDEN const RowSet kConnectionSet;
extern LEASH_HIDDEN const RowSet kDurationHistogramSet;
extern LEASH_HIDDEN const RowSet kHistorySet;
extern LEASH_HIDDEN const RowSet kIndexCandidateSet;
extern LEASH_HIDDEN const RowSet kRefusalSet;
extern LEASH_HIDDEN const RowSet kLastRefusalSet;
extern LEASH_HIDDEN const RowSet kReapTotalSet;
extern LEASH_HIDDEN const RowSet kSlowStatementSet;
extern LEASH_HIDDEN const RowSet kSlowSummarySet;
extern LEASH_HIDDEN const RowSet kWorkerSet;
extern LEASH_HIDDEN const RowSet kHealthSet;

// The result of a set-returning function, after InitMaterializedSRF().
RowSink store_of(FunctionCallInfo fcinfo);

// Writes a set as the result of the set-returning function that is running.
Datum return_rows(FunctionCallInfo fcinfo, const RowSet& set);

// The same for a set of one row, and a function that returns a record.
Datum return_row(FunctionCallInfo fcinfo, const RowSet& set);

}  // namespace leash
