// leash.get_reap_log(), leash.reap().
#include "server/reap_journal.h"
#include "server/reaper.h"
#include "server/reap_rows.h"
#include "server/round.h"
#include "server/settings.h"
#include "server/sql_values.h"

#include <arpa/inet.h>

extern "C" {
#include "funcapi.h"
#include "storage/latch.h"
#include "utils/builtins.h"
#include "utils/fmgrprotos.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumnList[] = {
    {"id", ColumnType::bigint},
    {"decided_at", ColumnType::instant},
    {"policy", ColumnType::text},
    {"by", ColumnType::name},
    {"mode", ColumnType::text},
    {"action", ColumnType::text},
    {"session_id", ColumnType::text},
    {"pid", ColumnType::integer},
    {"usename", ColumnType::name},
    {"datname", ColumnType::name},
    {"application_name", ColumnType::text},
    {"client_addr", ColumnType::address},
    {"kind", ColumnType::text},
    {"leaked_for", ColumnType::interval},
    {"weight", ColumnType::text},
    {"blocked_sessions", ColumnType::integer},
    {"opener", ColumnType::text},
    {"reason", ColumnType::text},
    {"outcome", ColumnType::text},
    {"took", ColumnType::interval},
};
constexpr int kColumns = lengthof(kColumnList);
constexpr long kLookEvery = 5;  // ms

NullableDatum inet_value(const Address& address) {
    char text[INET6_ADDRSTRLEN];
    if (address.family == 0 || inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes,
                                         text, sizeof text) == nullptr) {
        return kNull;
    }
    return known(DirectFunctionCall1(inet_in, CStringGetDatum(text)));
}

// Names may be of another encoding than this database's.
NullableDatum name_or_null(const char* name) {
    if (name[0] == '\0') {
        return kNull;
    }
    return known(
        DirectFunctionCall1(namein, CStringGetDatum(TextDatumGetCString(text_value(name)))));
}

NullableDatum text_or_null(const char* text, size_t length, int encoding) {
    return length == 0 ? kNull : known(text_value(text, length, encoding));
}

void add_decision(Row<kColumns>& row, const ReapRecord& record) {
    row.add(TimestampTzGetDatum(record.decided_at));
    row.add(text_or_null(record.policy, strlen(record.policy), -1));
    row.add(name_or_null(record.by));
    row.add(CStringGetTextDatum(name_of(record.mode)));
    row.add(CStringGetTextDatum(name_of(record.action)));
}

void add_session(Row<kColumns>& row, const ReapRecord& record, bool visible) {
    row.add(session_id_value(record.session));
    row.add(Int32GetDatum(record.session.pid));
    row.add(name_or_null(record.usename));
    row.add(name_or_null(record.datname));
    row.add(text_value(record.application, strlen(record.application), record.encoding));
    row.add(visible ? inet_value(record.client) : kNull);
}

void add_verdict(Row<kColumns>& row, const ReapRecord& record, bool visible) {
    const bool leaked = record.kind != Leak::none;
    row.add_if(visible && leaked, CStringGetTextDatum(name_of(record.kind)));
    row.add_if(visible, interval_value(record.leaked_for));
    row.add_if(visible, CStringGetTextDatum(name_of(record.weight)));
    row.add_if(visible, Int32GetDatum(static_cast<int32>(record.blocked_sessions)));
    row.add(visible
                ? text_or_null(record.opener.bytes, record.opener.length, record.opener.encoding)
                : known(CStringGetTextDatum(kInsufficientPrivilege)));
    row.add(visible ? text_or_null(record.reason, strlen(record.reason), record.reason_encoding)
                    : kNull);
}

void add_row(const RowSink& sink, const ReapRecord& record) {
    const bool visible = may_read_sessions_of(record.role);
    Row<kColumns> row;
    row.add_if(record.sequence != 0, Int64GetDatum(static_cast<int64>(record.sequence)));
    add_decision(row, record);
    add_session(row, record, visible);
    add_verdict(row, record, visible);
    row.add(CStringGetTextDatum(record.outcome));
    row.add_if(record.took != 0, interval_value(record.took));
    sink.put(row);
}

bool is_awaited(const ReapRecord& record) {
    return strcmp(record.outcome, kStillExiting) == 0 || strcmp(record.outcome, kStillRunning) == 0;
}

// Until all that were signalled are gone, or patience is at its end.
void await_outcomes(RoundResult& result) {
    for (long waited = 0; waited < kPatience && !update_outcomes(result); waited += kLookEvery) {
        (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, kLookEvery,
                        PG_WAIT_EXTENSION);
        ResetLatch(MyLatch);
        CHECK_FOR_INTERRUPTS();
    }
}

void write_journal(const RowSink& sink) {
    ReapRecord* records = nullptr;
    const int count = journal_copy(&records);
    for (int i = count - 1; i >= 0; i--) {
        add_row(sink, records[i]);
    }
}

}  // namespace

const RowSet kReapLogSet = {kColumnList, kColumns, write_journal};

bool update_outcomes(RoundResult& result) {
    (void)settle_exits();
    bool complete = true;
    for (int i = 0; i < result.count; i++) {
        ReapRecord& record = result.records[i];
        if (is_awaited(record)) {
            (void)journal_read(record.sequence, record);
            complete = complete && !is_awaited(record);
        }
    }
    return complete;
}

void write_decisions(const RowSink& sink, const RoundResult& result) {
    for (int i = 0; i < result.count; i++) {
        add_row(sink, result.records[i]);
    }
}

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_reap_log(PG_FUNCTION_ARGS);
PGDLLEXPORT Datum leash_reap(PG_FUNCTION_ARGS);

PG_FUNCTION_INFO_V1(leash_get_reap_log);
PG_FUNCTION_INFO_V1(leash_reap);

Datum leash_get_reap_log(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kReapLogSet);
}

Datum leash_reap(PG_FUNCTION_ARGS) {
    leash::require_preload();
    InitMaterializedSRF(fcinfo, 0);
    const bool dry_run = PG_GETARG_BOOL(0);
    if (leash::settings::reaping() == leash::Mode::off) {
        ereport(NOTICE, (errmsg("%s", leash::kReapingIsOff)));
    }
    leash::RoundResult result = leash::run_round({dry_run, GetUserId()});
    if (!dry_run) {
        leash::await_outcomes(result);
    }
    leash::write_decisions(leash::store_of(fcinfo), result);
    return Datum{0};
}

}  // extern "C"
