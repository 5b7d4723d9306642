#include "server/reap_journal.h"

#include "server/candidate.h"
#include "server/debug_stop.h"
#include "server/reap_totals.h"

#include "core/duration.h"
#include "core/secrets.h"

extern "C" {
#include "lib/stringinfo.h"
#include "mb/pg_wchar.h"
#include "storage/lwlock.h"
}

#include <arpa/inet.h>
#include <cstdlib>

namespace leash {
namespace {

// The row in the ring, when it is still the one of that sequence.
ReapRecord* find_row(uint64_t sequence) {
    ReapRecord* const row = sequence != 0 ? reap_record(sequence) : nullptr;
    return row != nullptr && row->sequence == sequence ? row : nullptr;
}

// All rows, oldest first; there is room for as many as the ring has.
uint64_t copy_rows(ReapRecord* rows) {
    const auto entries = static_cast<uint64_t>(shared()->journal_entries);
    const uint64_t newest = shared()->journal_sequence;
    uint64_t count = 0;
    for (uint64_t sequence = newest > entries ? newest - entries + 1 : 1; sequence <= newest;
         sequence++) {
        if (const ReapRecord* const row = find_row(sequence)) {
            rows[count++] = *row;
        }
    }
    return count;
}

template <size_t Size>
bool is_text(const char (&text)[Size]) {
    return memchr(text, '\0', Size) != nullptr;
}

bool is_address(const Address& address) {
    return address.family == 0 || address.family == 4 || address.family == 6;
}

// Whether a row from a file is one that could have been written, after `previous`.
bool is_sound(const ReapRecord& row, uint64_t previous) {
    return row.sequence > previous && is_text(row.policy) && is_text(row.by) &&
           row.mode <= Mode::enforce && row.action <= Action::terminate &&
           row.kind <= Leak::unused && row.weight <= Weight::holds_a_slot && is_text(row.usename) &&
           is_text(row.datname) && is_text(row.application) && is_text(row.outcome) &&
           is_text(row.reason) && is_address(row.client) && PG_VALID_ENCODING(row.encoding) &&
           PG_VALID_ENCODING(row.reason_encoding) && PG_VALID_ENCODING(row.opener.encoding) &&
           row.opener.length <= kJournalOpenerSize;
}

void store_opener(ReapRecord& record, int encoding, const char* bytes, size_t length) {
    const int known = PG_VALID_ENCODING(encoding) ? encoding : static_cast<int>(PG_SQL_ASCII);
    record.opener.encoding = encoding;
    record.opener.length = static_cast<uint32_t>(
        pg_encoding_mbcliplen(known, bytes, static_cast<int>(length), kJournalOpenerSize));
    memcpy(record.opener.bytes, bytes, record.opener.length);
}

void store_running_opener(ReapRecord& record, const SessionReport& report) {
    LastStatement last{};
    last.text = static_cast<char*>(palloc(static_cast<Size>(pgstat_track_activity_query_size)));
    read_last_statement(report, last);
    if (last.known) {
        const char* const text = last.secret ? kHiddenText : last.text;
        store_opener(record, report.identity.encoding, text, strlen(text));
    }
    pfree(last.text);
}

void copy_opener(const SessionReport& report, ReapRecord& record) {
    Opener opener;
    if (!report.has_opener || !read_opener(report, opener)) {
        return;
    }
    if (opener_runs(report, opener)) {
        store_running_opener(record, report);
    } else {
        store_opener(record, opener.text.encoding, opener.text.bytes, opener.text.length);
    }
}

// In a line of the log nothing may look like another line.
void append_escaped(StringInfo line, const char* text, size_t length) {
    for (size_t i = 0; i < length; i++) {
        const auto c = static_cast<unsigned char>(text[i]);
        if (c == '\n') {
            appendStringInfoString(line, "\\n");
        } else if (c < 0x20 || c == 0x7f) {
            appendStringInfo(line, "\\x%02x", c);
        } else if (c == '"' || c == '\\') {
            appendStringInfoChar(line, '\\');
            appendStringInfoChar(line, text[i]);
        } else {
            appendStringInfoChar(line, text[i]);
        }
    }
}

void append_quoted(StringInfo line, const char* name, const char* text, size_t length) {
    appendStringInfo(line, " %s=\"", name);
    append_escaped(line, text, length);
    appendStringInfoChar(line, '"');
}

void append_name(StringInfo line, const char* name, const char* text) {
    append_quoted(line, name, text, strlen(text));
}

void append_duration(StringInfo line, const char* name, uint64_t ns) {
    char text[kDurationTextSize];
    format_duration(static_cast<int64_t>(ns / 1000), text, sizeof text);
    appendStringInfo(line, " %s=\"%s\"", name, text);
}

void append_address(StringInfo line, const Address& address) {
    char text[INET6_ADDRSTRLEN] = "local";
    if (address.family != 0) {
        (void)inet_ntop(address.family == 4 ? AF_INET : AF_INET6, address.bytes, text, sizeof text);
    }
    appendStringInfo(line, " address=%s", text);
}

void append_group(StringInfo line, const ReapRecord& record) {
    append_name(line, "user", record.usename);
    append_name(line, "database", record.datname);
    append_name(line, "application", record.application);
    append_address(line, record.client);
}

void append_facts(StringInfo line, const ReapRecord& record) {
    append_group(line, record);
    if (record.kind != Leak::none) {
        append_name(line, "kind", name_of(record.kind));
    }
    append_duration(line, "leaked_for", record.leaked_for);
    append_name(line, "weight", name_of(record.weight));
    appendStringInfo(line, " blocked=%u", record.blocked_sessions);
    if (record.took != 0) {
        append_duration(line, "took", record.took);
    }
    if (record.reason[0] != '\0') {
        append_name(line, "reason", record.reason);
    }
    if (record.opener.length > 0) {
        append_quoted(line, "opener", record.opener.bytes, record.opener.length);
    }
}

// To the log alone: the texts are in the encodings of many databases.
void log_line(StringInfoData& line) {
    ereport(LOG_SERVER_ONLY, (errmsg_internal("%s", line.data), errhidestmt(true)));
    pfree(line.data);
}

}  // namespace

ReapRecord make_record(const SessionReport& report, const char* role, const char* database) {
    ReapRecord record{};
    record.kind = report.verdict.apparent;
    record.weight = report.verdict.weight;
    record.session = report.identity.id;
    record.role = report.identity.role;
    strlcpy(record.usename, role, sizeof record.usename);
    strlcpy(record.datname, database, sizeof record.datname);
    strlcpy(record.application, report.application, sizeof record.application);
    record.encoding = report.identity.encoding;
    record.client = address_of(report.identity.client);
    record.leaked_for = report.verdict.leaked_for;
    record.blocked_sessions = report.facts.blocked_sessions;
    copy_opener(report, record);
    return record;
}

void set_outcome(ReapRecord& record, const char* outcome) {
    strlcpy(record.outcome, outcome, sizeof record.outcome);
}

void journal_add(ReapRecord& record) {
    ReapRecord evicted;
    evicted.unlogged = false;
    record.decided_at = GetCurrentTimestamp();
    LWLockAcquire(lock(Lock::journal), LW_EXCLUSIVE);
    record.sequence = ++shared()->journal_sequence;
    ReapRecord* const row = reap_record(record.sequence);
    if (row->sequence != 0 && row->unlogged) {
        evicted = *row;
        count_decision(evicted);  // its last outcome is not known
    }
    *row = record;
    if (!record.unlogged) {
        count_decision(record);
    }
    debug_stop("journal");
    shared()->journal_changes++;
    LWLockRelease(lock(Lock::journal));
    // A ring so small that the row is gone before its outcome is known.
    if (evicted.unlogged) {
        journal_log(evicted);
    }
}

bool journal_amend(uint64_t sequence, const char* outcome, uint64_t took, ReapRecord& amended) {
    LWLockAcquire(lock(Lock::journal), LW_EXCLUSIVE);
    ReapRecord* const row = find_row(sequence);
    if (row != nullptr) {
        set_outcome(*row, outcome);
        row->took = took;
        if (row->unlogged) {
            row->unlogged = false;
            count_decision(*row);
        }
        amended = *row;
        shared()->journal_changes++;
    }
    LWLockRelease(lock(Lock::journal));
    return row != nullptr;
}

bool journal_read(uint64_t sequence, ReapRecord& record) {
    LWLockAcquire(lock(Lock::journal), LW_SHARED);
    const ReapRecord* const row = find_row(sequence);
    if (row != nullptr) {
        record = *row;
    }
    LWLockRelease(lock(Lock::journal));
    return row != nullptr;
}

int journal_copy(ReapRecord** records) {
    const auto entries = static_cast<uint64_t>(shared()->journal_entries);
    *records = static_cast<ReapRecord*>(
        palloc_extended(sizeof(ReapRecord) * static_cast<Size>(entries), MCXT_ALLOC_HUGE));
    LWLockAcquire(lock(Lock::journal), LW_SHARED);
    const uint64_t count = copy_rows(*records);
    LWLockRelease(lock(Lock::journal));
    return static_cast<int>(count);
}

void* journal_collect(uint64_t& count) {
    const auto entries = static_cast<uint64_t>(shared()->journal_entries);
    auto* const rows = static_cast<ReapRecord*>(malloc(sizeof(ReapRecord) * entries));
    const bool is_postmaster = MyProc == nullptr;  // nobody else is there any more
    count = 0;
    if (rows == nullptr) {
        return nullptr;
    }
    if (!is_postmaster) {
        LWLockAcquire(lock(Lock::journal), LW_SHARED);
    }
    count = copy_rows(rows);
    if (!is_postmaster) {
        LWLockRelease(lock(Lock::journal));
    }
    return rows;
}

void journal_restore(const void* items, uint64_t count) {
    const auto* const rows = static_cast<const ReapRecord*>(items);
    for (uint64_t i = 0; i < count; i++) {
        if (!is_sound(rows[i], shared()->journal_sequence)) {
            continue;
        }
        ReapRecord* const row = reap_record(rows[i].sequence);
        *row = rows[i];
        shared()->journal_sequence = row->sequence;
        if (row->unlogged) {
            // The server's end was that session's too.
            set_outcome(*row, row->action == Action::cancel ? "cancelled" : "ended");
            row->unlogged = false;
            journal_log(*row);
        }
    }
}

uint64_t journal_changes() {
    LWLockAcquire(lock(Lock::journal), LW_SHARED);
    const uint64_t changes = shared()->journal_changes;
    LWLockRelease(lock(Lock::journal));
    return changes;
}

void journal_log(const ReapRecord& record) {
    char session[kSessionIdLength + 1];
    format_session_id(record.session, session);
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line, "pg_leash: %s session %s pid=%d: %s", name_of(record.action), session,
                     record.session.pid, record.outcome);
    if (record.policy[0] != '\0') {
        append_name(&line, "policy", record.policy);
    }
    if (record.by[0] != '\0') {
        append_name(&line, "by", record.by);
    }
    append_facts(&line, record);
    log_line(line);
}

void log_breaker(const ReapRecord& record, const char* duration) {
    StringInfoData line;
    initStringInfo(&line);
    appendStringInfo(&line,
                     "pg_leash: policies spare a group for %s, whose sessions come back as "
                     "soon as they are ended:",
                     duration);
    append_group(&line, record);
    log_line(line);
}

}  // namespace leash
