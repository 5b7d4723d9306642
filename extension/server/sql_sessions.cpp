// leash.get_sessions().
#include "server/lease.h"
#include "server/lock_facts.h"
#include "server/row_set.h"
#include "server/session_report.h"
#include "server/sql_values.h"

#include "core/secrets.h"

#include <algorithm>

extern "C" {
#include "catalog/pg_type.h"
#include "mb/pg_wchar.h"
#include "utils/array.h"
#include "utils/builtins.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr ColumnInfo kColumnList[] = {
    {"session_id", ColumnType::text},
    {"pid", ColumnType::integer},
    {"usename", ColumnType::name},
    {"datname", ColumnType::name},
    {"application_name", ColumnType::text},
    {"client_addr", ColumnType::address},
    {"client_port", ColumnType::integer},
    {"backend_start", ColumnType::instant},
    {"state", ColumnType::text},
    {"state_change", ColumnType::instant},
    {"wait_event_type", ColumnType::text},
    {"wait_event", ColumnType::text},
    {"idle_for", ColumnType::interval},
    {"unused_for", ColumnType::interval},
    {"xact_for", ColumnType::interval},
    {"statement_for", ColumnType::interval},
    {"statements", ColumnType::bigint},
    {"transactions", ColumnType::bigint},
    {"slow_statements", ColumnType::bigint},
    {"active_time", ColumnType::interval},
    {"idle_time", ColumnType::interval},
    {"idle_in_transaction_time", ColumnType::interval},
    {"longest_idle", ColumnType::interval},
    {"utilization", ColumnType::real},
    {"opener", ColumnType::text},
    {"last_statement", ColumnType::text},
    {"tags", ColumnType::json},
    {"leak", ColumnType::text},
    {"leaked", ColumnType::boolean},
    {"leak_since", ColumnType::instant},
    {"leaked_for", ColumnType::interval},
    {"weight", ColumnType::text},
    {"blocked_sessions", ColumnType::integer},
    {"reason", ColumnType::text},
    {"exempt", ColumnType::text},
    {"client_wait", ColumnType::interval},
    {"in_use", ColumnType::boolean},
    {"peer", ColumnType::text},
    {"loses", ColumnType::text},
    {"blocked_by", ColumnType::integers},
    {"apparent", ColumnType::text},
};
constexpr int kColumns = lengthof(kColumnList);
constexpr int kMaxBlockers = 64;
using SessionRow = Row<kColumns>;

// Texts of one session, read when its row is made.
struct Texts {
    LastStatement last;
    Opener opener;
    bool has_opener;
    bool opener_runs;
    int encoding;
};

void add_identity(SessionRow& row, const SessionReport& report, bool visible) {
    const SessionIdentity& who = report.identity;
    row.add(session_id_value(who.id));
    row.add(Int32GetDatum(who.id.pid));
    row.add(role_name(who.role));
    row.add(database_name(who.database));
    row.add(text_value(report.application));
    row.add(visible ? address_value(who.client) : kNull);
    row.add(visible ? port_value(who.client) : kNull);
    row.add_if(visible, TimestampTzGetDatum(who.backend_start));
}

void add_state(SessionRow& row, const SessionReport& report) {
    const BackendState& backend = report.backend;
    const bool known = backend.state != State::unknown;
    row.add_text(name_of(backend.state));
    row.add_if(known, TimestampTzGetDatum(backend.state_change));
    row.add_text(pgstat_get_wait_event_type(backend.wait_event));
    row.add_text(pgstat_get_wait_event(backend.wait_event));
    const bool at_work = backend.state == State::active || backend.state == State::fastpath;
    row.add(interval_if(known && !at_work, report.facts.idle_for));
    row.add(interval_value(report.facts.unused_for));
    row.add(interval_if(report.xact_for != 0, report.xact_for));
    row.add(interval_if(report.statement_for != 0, report.statement_for));
}

void add_accounts(SessionRow& row, const SessionReport& report) {
    const SessionFacts& facts = report.facts;
    row.add(count_value(facts.statements));
    row.add(count_value(report.transactions));
    row.add(count_value(report.slow_statements));
    row.add(interval_value(report.active_time));
    row.add(interval_value(report.idle_time));
    row.add(interval_value(report.in_transaction_time));
    row.add(interval_value(report.longest_idle));
    const uint64_t whole = report.active_time + report.idle_time + report.in_transaction_time;
    row.add(Float8GetDatum(
        whole == 0 ? 0.0 : static_cast<double>(report.active_time) / static_cast<double>(whole)));
}

void read_texts(const SessionReport& report, Texts& texts) {
    texts.has_opener = report.has_opener && read_opener(report, texts.opener);
    texts.opener_runs = texts.has_opener && opener_runs(report, texts.opener);
    texts.encoding = report.identity.encoding;
    read_last_statement(report, texts.last);
}

void add_last_statement(SessionRow& row, const Texts& texts) {
    const LastStatement& last = texts.last;
    if (last.secret) {
        row.add_text(kHiddenText);
    } else if (last.known) {
        row.add(text_value(last.text, strlen(last.text), texts.encoding));
    } else {
        row.add_null();
    }
}

void add_texts(SessionRow& row, const Texts& texts) {
    const auto& opener = texts.opener.text;
    NullableDatum tags = kNull;
    if (texts.opener_runs) {
        add_last_statement(row, texts);
    } else if (texts.has_opener && opener.length > 0) {
        row.add(text_value(opener.bytes, opener.length, opener.encoding));
        tags = tags_value(opener.bytes, opener.length, opener.encoding);
    } else {
        row.add_null();
    }
    add_last_statement(row, texts);
    if (tags.isnull && texts.last.known && !texts.last.secret) {
        tags = tags_value(texts.last.text, strlen(texts.last.text), texts.encoding);
    }
    row.add(tags);
}

// A lease is shown with its end and its reason.
NullableDatum exempt_value(const SessionReport& report) {
    if (report.verdict.exempt == Exempt::none) {
        return kNull;
    }
    Lease lease;
    if (report.verdict.exempt != Exempt::lease ||
        !read_lease(*session_slot(report.number), lease)) {
        return known(CStringGetTextDatum(name_of(report.verdict.exempt)));
    }
    const Datum reason = text_value(lease.reason, strlen(lease.reason), lease.encoding);
    const TimestampTz until = lease.until_wall - lease.until_wall % USECS_PER_SEC;
    return known(CStringGetTextDatum(
        psprintf("lease until %s: %s", timestamptz_to_str(until), TextDatumGetCString(reason))));
}

const char* losses_of(const SessionReport& report) {
    if (report.has_temporary_objects) {
        return report.has_held_cursors ? "temporary objects, holdable cursors"
                                       : "temporary objects";
    }
    return report.has_held_cursors ? "holdable cursors" : nullptr;
}

bool waits_for_lock(const SessionReport& report) {
    return (report.backend.wait_event & 0xFF000000) == PG_WAIT_LOCK;
}

NullableDatum blockers_value(const SessionReport& report, const LockTable& locks) {
    if (!waits_for_lock(report)) {
        return kNull;
    }
    int pids[kMaxBlockers];
    Datum values[kMaxBlockers];
    const int count = locks.blockers_of(report.identity.id.pid, pids, kMaxBlockers);
    for (int i = 0; i < count; i++) {
        values[i] = Int32GetDatum(pids[i]);
    }
    return count == 0 ? kNull
                      : known(PointerGetDatum(construct_array(values, count, INT4OID, sizeof(int32),
                                                              true, TYPALIGN_INT)));
}

// What ending it would mean to others: the other end, itself, those it waits for.
void add_circumstances(SessionRow& row, const SessionReport& report, const LockTable& locks) {
    row.add_text(name_of(report.facts.peer));
    row.add_text(losses_of(report));
    row.add(blockers_value(report, locks));
}

// Also of what is exempt: policies may reach it.
void add_weight(SessionRow& row, const SessionReport& report) {
    if (report.verdict.apparent == Leak::none) {
        row.add_nulls(2);
    } else {
        row.add_text(name_of(report.verdict.weight));
        row.add(Int32GetDatum(static_cast<int32>(report.facts.blocked_sessions)));
    }
}

void add_verdict(SessionRow& row, const SessionReport& report, TimestampTz now) {
    const Verdict& verdict = report.verdict;
    if (verdict.leak == Leak::none) {
        row.add_null();
        row.add(BoolGetDatum(false));
        row.add_nulls(2);
        add_weight(row, report);
        row.add_null();
    } else {
        char reason[256];
        describe(verdict, report.facts, reason, sizeof reason);
        row.add_text(name_of(verdict.leak));
        row.add(BoolGetDatum(is_leaked(verdict.leak)));
        row.add(TimestampTzGetDatum(now - static_cast<int64>(verdict.leaked_for / 1000)));
        row.add(interval_value(verdict.leaked_for));
        add_weight(row, report);
        row.add_text(reason);
    }
    row.add(exempt_value(report));
    row.add(interval_if(report.sampled, report.client_wait));
    row.add(BoolGetDatum(report.in_use));
}

void add_row(const RowSink& sink, const SessionReport& report, Texts& texts, const LockTable& locks,
             TimestampTz now) {
    const bool visible = may_read_sessions_of(report.identity.role);
    SessionRow row;
    add_identity(row, report, visible);
    if (visible) {
        add_state(row, report);
    } else {
        row.add_nulls(8);
    }
    add_accounts(row, report);
    if (visible) {
        read_texts(report, texts);
        add_texts(row, texts);
        add_verdict(row, report, now);
        add_circumstances(row, report, locks);
        row.add_text(name_of(report.verdict.apparent));
    } else {
        row.add_null();
        row.add_text(kInsufficientPrivilege);
        row.add_nulls(15);
    }
    sink.put(row);
}

// Only when somebody waits for a lock.
LockTable locks_waited_for(const SessionReports& all) {
    LockTable locks;
    if (std::any_of(all.reports, all.reports + all.count, waits_for_lock)) {
        locks.read();
    }
    return locks;
}

// What a row was made of is given back with each: with thousands of them it would be
// megabytes that the system had to find for every look.
void write_sessions(const RowSink& sink) {
    const SessionReports all = report_sessions();
    auto* const texts = static_cast<Texts*>(palloc(sizeof(Texts)));
    texts->last.text =
        static_cast<char*>(palloc(static_cast<Size>(pgstat_track_activity_query_size)));
    const LockTable locks = locks_waited_for(all);
    const TimestampTz now = GetCurrentTimestamp();
    const MemoryContext of_row =
        AllocSetContextCreate(CurrentMemoryContext, "leash.sessions row", ALLOCSET_DEFAULT_SIZES);
    const MemoryContext before = MemoryContextSwitchTo(of_row);
    for (int i = 0; i < all.count; i++) {
        add_row(sink, all.reports[i], *texts, locks, now);
        MemoryContextReset(of_row);
    }
    MemoryContextSwitchTo(before);
    MemoryContextDelete(of_row);
}

}  // namespace

const RowSet kSessionSet = {kColumnList, kColumns, write_sessions};

}  // namespace leash

extern "C" {

PGDLLEXPORT Datum leash_get_sessions(PG_FUNCTION_ARGS);
PG_FUNCTION_INFO_V1(leash_get_sessions);

Datum leash_get_sessions(PG_FUNCTION_ARGS) {
    leash::require_preload();
    return leash::return_rows(fcinfo, leash::kSessionSet);
}

}  // extern "C"
