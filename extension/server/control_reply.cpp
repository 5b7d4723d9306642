#include "server/control_reply.h"

#include "server/reap_rows.h"
#include "server/settings.h"
#include "server/shared_state.h"

extern "C" {
#include "access/xlog.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/datetime.h"
#include "utils/fmgrprotos.h"
#include "utils/guc.h"
#include "utils/json.h"
}

namespace leash {
namespace {

constexpr int kSchemaVersion = 1;
constexpr int kLargest = 8 * 1024 * 1024;  // rows that would go beyond are left out

struct ViewColumn {
    const char* name;
    const char* source;  // the column of the set; null: the same
};

// What the views leash.sessions and leash.leaks show of one set of rows.
constexpr ViewColumn kSessions[] = {
    {"session_id", nullptr},
    {"pid", nullptr},
    {"usename", nullptr},
    {"datname", nullptr},
    {"application_name", nullptr},
    {"client_addr", nullptr},
    {"client_port", nullptr},
    {"backend_start", nullptr},
    {"state", nullptr},
    {"state_change", nullptr},
    {"wait_event_type", nullptr},
    {"wait_event", nullptr},
    {"idle_for", nullptr},
    {"unused_for", nullptr},
    {"xact_for", nullptr},
    {"statement_for", nullptr},
    {"statements", nullptr},
    {"transactions", nullptr},
    {"slow_statements", nullptr},
    {"active_time", nullptr},
    {"idle_time", nullptr},
    {"idle_in_transaction_time", nullptr},
    {"longest_idle", nullptr},
    {"utilization", nullptr},
    {"opener", nullptr},
    {"last_statement", nullptr},
    {"tags", nullptr},
    {"leak", nullptr},
    {"exempt", nullptr},
    {"client_wait", nullptr},
    {"in_use", nullptr},
    {"peer", nullptr},
    {"loses", nullptr},
    {"blocked_by", nullptr},
};

constexpr ViewColumn kLeaks[] = {
    {"kind", "leak"},         {"since", "leak_since"},     {"leaked_for", nullptr},
    {"weight", nullptr},      {"leaked", nullptr},         {"blocked_sessions", nullptr},
    {"reason", nullptr},      {"session_id", nullptr},     {"pid", nullptr},
    {"usename", nullptr},     {"datname", nullptr},        {"application_name", nullptr},
    {"client_addr", nullptr}, {"client_port", nullptr},    {"state", nullptr},
    {"opener", nullptr},      {"last_statement", nullptr}, {"tags", nullptr},
    {"peer", nullptr},        {"loses", nullptr},
};

constexpr int kMaxColumns = 64;

// What of a set is shown, and in which order.
struct View {
    const RowSet* set;
    const char* names[kMaxColumns];
    int from[kMaxColumns];
    int count;
    int required;  // rows in which this column is null are left out; -1: none is
};

int column_number(const RowSet& set, const char* name) {
    for (int i = 0; i < set.count; i++) {
        if (strcmp(set.columns[i].name, name) == 0) {
            return i;
        }
    }
    elog(ERROR, "there is no column \"%s\"", name);
}

void add_column(View& view, const char* name, int from) {
    view.names[view.count] = name;
    view.from[view.count++] = from;
}

template <size_t Count>
View projection(const RowSet& set, const ViewColumn (&columns)[Count]) {
    static_assert(Count <= kMaxColumns);
    View view{};
    view.set = &set;
    view.required = -1;
    for (const ViewColumn& column : columns) {
        const char* const source = column.source != nullptr ? column.source : column.name;
        add_column(view, column.name, column_number(set, source));
    }
    return view;
}

View whole(const RowSet& set) {
    View view{};
    view.set = &set;
    view.required = -1;
    Assert(set.count <= kMaxColumns);
    for (int i = 0; i < set.count; i++) {
        add_column(view, set.columns[i].name, i);
    }
    return view;
}

View view_of(ControlVerb verb) {
    switch (verb) {
        case ControlVerb::status:
            return whole(kConnectionSet);
        case ControlVerb::sessions:
            return projection(kSessionSet, kSessions);
        case ControlVerb::leaks: {
            View view = projection(kSessionSet, kLeaks);
            view.required = column_number(kSessionSet, "leak");
            return view;
        }
        case ControlVerb::slow:
            return whole(kSlowStatementSet);
        case ControlVerb::health:
            return whole(kHealthSet);
        case ControlVerb::worker:
            return whole(kWorkerSet);
        case ControlVerb::reap_log:
            return whole(kReapLogSet);
        default:
            elog(ERROR, "there is no view for \"%s\"", name_of(verb));
    }
}

// The process has no encoding of its own: whatever is no UTF-8 becomes '?'.
void write_text(StringInfo out, char* text) {
    auto rest = static_cast<int>(strlen(text));
    char* at = text;
    while (true) {
        const int valid = pg_encoding_verifymbstr(PG_UTF8, at, rest);
        if (valid == rest) {
            break;
        }
        at[valid] = '?';
        at += valid + 1;
        rest -= valid + 1;
    }
    escape_json(out, text);
}

void write_literal(StringInfo out, const char* text) {
    write_text(out, pstrdup(text));
}

// ISO 8601 in UTC, as the tool has it made by to_char().
void write_instant(StringInfo out, TimestampTz instant) {
    pg_tm fields{};
    fsec_t microseconds = 0;
    if (timestamp2tm(instant, nullptr, &fields, &microseconds, nullptr, nullptr) != 0) {
        appendStringInfoString(out, "null");
        return;
    }
    appendStringInfo(out, "\"%04d-%02d-%02dT%02d:%02d:%02d.%06dZ\"", fields.tm_year, fields.tm_mon,
                     fields.tm_mday, fields.tm_hour, fields.tm_min, fields.tm_sec,
                     static_cast<int>(microseconds));
}

// Seconds, as EXTRACT(EPOCH FROM ...) gives them.
void write_seconds(StringInfo out, const Interval& interval) {
    const int64 us = interval.time + interval.day * USECS_PER_DAY;
    const uint64 size = us < 0 ? -static_cast<uint64>(us) : static_cast<uint64>(us);
    appendStringInfo(out, "\"%s" UINT64_FORMAT ".%06d\"", us < 0 ? "-" : "", size / USECS_PER_SEC,
                     static_cast<int>(size % USECS_PER_SEC));
}

// As array_out() does, which needs the catalogs.
void write_integers(StringInfo out, const ArrayType* array) {
    const auto* const values = reinterpret_cast<const int32*>(ARR_DATA_PTR(array));
    const int count = ArrayGetNItems(ARR_NDIM(array), ARR_DIMS(array));
    appendStringInfoString(out, "\"{");
    for (int i = 0; i < count; i++) {
        appendStringInfo(out, "%s%d", i == 0 ? "" : ",", values[i]);
    }
    appendStringInfoString(out, "}\"");
}

char* as_text(PGFunction output, Datum value) {
    return DatumGetCString(DirectFunctionCall1(output, value));
}

void write_cell(StringInfo out, ColumnType type, Datum value) {
    switch (type) {
        case ColumnType::text:
            return write_text(out, TextDatumGetCString(value));
        case ColumnType::name:
            return write_literal(out, NameStr(*DatumGetName(value)));
        case ColumnType::integer:
            return appendStringInfo(out, "\"%d\"", DatumGetInt32(value));
        case ColumnType::bigint:
            return appendStringInfo(out, "\"" INT64_FORMAT "\"", DatumGetInt64(value));
        case ColumnType::real:
            return write_text(out, as_text(float8out, value));
        case ColumnType::numeric:
            return write_text(out, as_text(numeric_out, value));
        case ColumnType::boolean:
            return appendStringInfoString(out, DatumGetBool(value) ? "\"t\"" : "\"f\"");
        case ColumnType::instant:
            return write_instant(out, DatumGetTimestampTz(value));
        case ColumnType::interval:
            return write_seconds(out, *DatumGetIntervalP(value));
        case ColumnType::address:
            return write_text(out, TextDatumGetCString(DirectFunctionCall1(network_host, value)));
        case ColumnType::json:
            return write_text(out, as_text(jsonb_out, value));
        case ColumnType::integers:
            return write_integers(out, DatumGetArrayTypeP(value));
    }
}

// Rows on their way into a document.
struct Rows {
    const View* view;
    StringInfo out;
    int written;
    int omitted;
};

// NOLINTNEXTLINE(readability-non-const-parameter): RowSet calls it, and others that write.
void take_row(void* to, Datum* values, bool* nulls) {
    auto& rows = *static_cast<Rows*>(to);
    const View& view = *rows.view;
    if (view.required >= 0 && nulls[view.required]) {
        return;
    }
    if (rows.out->len > kLargest) {
        rows.omitted++;
        return;
    }
    appendStringInfoString(rows.out, rows.written++ == 0 ? "\n[" : ",\n[");
    for (int i = 0; i < view.count; i++) {
        const int from = view.from[i];
        appendStringInfoString(rows.out, i == 0 ? "" : ",");
        if (nulls[from]) {
            appendStringInfoString(rows.out, "null");
        } else {
            write_cell(rows.out, view.set->columns[from].type, values[from]);
        }
    }
    appendStringInfoChar(rows.out, ']');
}

int slots_used() {
    int used = 0;
    for (int i = 0; i < shared()->slots; i++) {
        used += proc_in_use(i) ? 1 : 0;
    }
    return used;
}

// What the tool needs to know of the server, whatever it asks.
void write_server(StringInfo out) {
    const int used = slots_used();
    appendStringInfoString(out, "{\"schema_version\":");
    appendStringInfo(out, "%d,\"server\":{\"version\":", kSchemaVersion);
    write_literal(out, GetConfigOption("server_version", false, false));
    appendStringInfo(out,
                     ",\"version_num\":%s,\"library_version\":\"%s\",\"in_recovery\":%s,"
                     "\"max_connections\":%d,\"reserved\":%d,\"used\":%d,\"now\":",
                     GetConfigOption("server_version_num", false, false), kLibraryVersion,
                     RecoveryInProgress() ? "true" : "false", MaxConnections,
                     reserved_connections(), used);
    write_instant(out, GetCurrentTimestamp());
    const auto refused = static_cast<TimestampTz>(pg_atomic_read_u64(&shared()->refused_last_at));
    appendStringInfoString(out, ",\"refused_last_at\":");
    if (refused != 0) {
        write_instant(out, refused);
    } else {
        appendStringInfoString(out, "null");
    }
    appendStringInfoChar(out, '}');
}

void write_columns(StringInfo out, const View& view) {
    appendStringInfoString(out, ",\n\"columns\":[");
    for (int i = 0; i < view.count; i++) {
        appendStringInfo(out, "%s\"%s\"", i == 0 ? "" : ",", view.names[i]);
    }
    appendStringInfoString(out, "],\n\"rows\":[");
}

}  // namespace

void write_reply(const ControlRequest& request, StringInfo out) {
    const View view = view_of(request.verb);
    Rows rows = {&view, out, 0, 0};
    write_server(out);
    write_columns(out, view);
    view.set->write({take_row, &rows});
    appendStringInfo(out, "],\n\"omitted\":%d}\n", rows.omitted);
}

void write_round(const RoundResult& round, StringInfo out) {
    const View view = whole(kReapLogSet);
    Rows rows = {&view, out, 0, 0};
    write_server(out);
    if (settings::reaping() == Mode::off) {
        appendStringInfoString(out, ",\n\"notice\":");
        write_literal(out, kReapingIsOff);
    }
    write_columns(out, view);
    write_decisions({take_row, &rows}, round);
    appendStringInfo(out, "],\n\"omitted\":%d}\n", rows.omitted);
}

void write_outcome(const SessionId& session, const char* outcome, StringInfo out) {
    char id[kSessionIdLength + 1];
    format_session_id(session, id);
    write_server(out);
    appendStringInfo(out, ",\n\"columns\":[\"session_id\",\"outcome\"],\n\"rows\":[\n[\"%s\",", id);
    write_literal(out, outcome);
    appendStringInfoString(out, "]],\n\"omitted\":0}\n");
}

void write_error(const char* sqlstate, const char* message, StringInfo out) {
    appendStringInfo(out, "{\"schema_version\":%d,\"error\":", kSchemaVersion);
    write_literal(out, message);
    appendStringInfo(out, ",\"sqlstate\":\"%s\"}\n", sqlstate);
}

}  // namespace leash
