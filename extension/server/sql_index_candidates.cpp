// leash.get_index_candidates(), and the rows behind it.
#include "server/index_candidates.h"
#include "server/row_set.h"
#include "server/session.h"
#include "server/sql_values.h"

extern "C" {
#include "access/stratnum.h"
#include "access/transam.h"
#include "utils/builtins.h"
#include "utils/lsyscache.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumns[] = {
    {"datname", ColumnType::name},        {"table", ColumnType::text},
    {"columns", ColumnType::text},        {"slow_statements", ColumnType::bigint},
    {"rows_scanned", ColumnType::bigint}, {"rows_kept", ColumnType::bigint},
    {"total_time", ColumnType::interval}, {"query_id", ColumnType::bigint},
    {"last_seen", ColumnType::instant},   {"evidence", ColumnType::text},
};

enum class Use : uint8_t { none, range, equality };

// What a B-tree can do with the operator.  Built-in operators are the same in every
// database; others are known in their own.
Use use_of(Oid op, bool same_database) {
    if (!same_database && op >= FirstGenbkiObjectId) {
        return Use::none;
    }
    Use use = Use::none;
    List* const meanings = operator_meanings(op);
    ListCell* cell;
    foreach (cell, meanings) {
        const int strategy = strategy_of(static_cast<const OperatorMeaning*>(lfirst(cell)));
        if (strategy == BTEqualStrategyNumber) {
            use = Use::equality;
        } else if (use == Use::none && strategy <= BTMaxStrategyNumber) {
            use = Use::range;
        }
    }
    list_free_deep(meanings);
    return use;
}

const char* table_name(const IndexCandidate& candidate, bool same_database) {
    if (same_database) {
        const char* const name = get_rel_name(candidate.relation);
        if (name == nullptr) {
            return nullptr;  // dropped
        }
        return quote_qualified_identifier(get_namespace_name(get_rel_namespace(candidate.relation)),
                                          name);
    }
    return quote_identifier(candidate.relation_name);
}

// Equalities come first in an index that is to serve a range too, and of ranges it can
// use but one.
bool list_columns(const IndexCandidate& candidate, bool same_database, StringInfo columns) {
    const char* range = nullptr;
    for (int i = 0; i < candidate.columns; i++) {
        const char* const name = quote_identifier(candidate.names[i]);
        const Use use = use_of(candidate.operators[i], same_database);
        if (use == Use::equality) {
            appendStringInfo(columns, "%s%s", columns->len > 0 ? ", " : "", name);
        } else if (use == Use::range && range == nullptr) {
            range = name;
        }
    }
    if (range != nullptr) {
        appendStringInfo(columns, "%s%s", columns->len > 0 ? ", " : "", range);
    }
    return columns->len > 0;
}

void write_candidate(const RowSink& sink, const IndexCandidate& candidate) {
    const bool same_database = candidate.database == MyDatabaseId;
    const bool visible = may_read_sessions_of(candidate.role);
    const char* const table = table_name(candidate, same_database);
    StringInfoData columns;
    initStringInfo(&columns);
    if (table == nullptr || !list_columns(candidate, same_database, &columns)) {
        return;
    }
    const auto calls = static_cast<double>(candidate.slow_statements);
    const char* const evidence =
        psprintf("%llu slow statement%s read all of %s, about %.0f rows each, to keep about %.0f",
                 static_cast<unsigned long long>(candidate.slow_statements),
                 candidate.slow_statements == 1 ? "" : "s", table, candidate.rows_scanned / calls,
                 candidate.rows_kept / calls);
    Row<lengthof(kColumns)> row;
    row.add(database_name(candidate.database));
    row.add(text_value(table, strlen(table), candidate.encoding));
    row.add(text_value(columns.data, static_cast<size_t>(columns.len), candidate.encoding));
    row.add(Int64GetDatum(static_cast<int64>(candidate.slow_statements)));
    row.add(Int64GetDatum(static_cast<int64>(candidate.rows_scanned)));
    row.add(Int64GetDatum(static_cast<int64>(candidate.rows_kept)));
    row.add(interval_value(candidate.total_time));
    row.add_if(visible && candidate.query_id != 0,
               Int64GetDatum(static_cast<int64>(candidate.query_id)));
    row.add(TimestampTzGetDatum(candidate.last_seen));
    row.add(visible ? known(text_value(evidence, strlen(evidence), candidate.encoding)) : kNull);
    sink.put(row);
}

void write(const RowSink& sink) {
    IndexCandidate* copies = nullptr;
    const int count = copy_index_candidates(&copies);
    for (int i = 0; i < count; i++) {
        write_candidate(sink, copies[i]);
    }
    pfree(copies);
}

}  // namespace

const RowSet kIndexCandidateSet = {kColumns, lengthof(kColumns), write};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_index_candidates(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_index_candidates);

Datum leash_get_index_candidates(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kIndexCandidateSet);
}

}  // extern "C"
