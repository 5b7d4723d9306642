// Everything known about the sessions of this moment, with a verdict on each.
#pragma once

#include "server/backend_state.h"
#include "server/lock_facts.h"

#include "core/verdict.h"

namespace leash {

// One session.  Durations are nanoseconds.
struct SessionReport {
    int number;     // of the slot
    uint64_t word;  // the claim word, read before all else: what a claim must still find
    SessionIdentity identity;
    BackendState backend;
    char application[NAMEDATALEN];
    uint64_t active_time;
    uint64_t idle_time;
    uint64_t in_transaction_time;
    uint64_t longest_idle;
    uint64_t xact_for;       // 0: no transaction, or its start is not known
    uint64_t statement_for;  // 0: no statement runs
    uint64_t client_wait;    // as sampled
    uint64_t transactions;
    uint64_t slow_statements;
    TimestampTz secret_start;
    bool in_use;
    bool sampled;     // the worker runs: client_wait is known
    bool has_opener;  // its transaction's opener is stored
    bool has_temporary_objects;
    bool has_held_cursors;
    SessionFacts facts;
    Verdict verdict;
};

struct SessionReports {
    SessionReport* reports;
    int count;
    LockTable locks;  // when it was read
};

// Reads all open sessions and judges them by the caller's settings.  Allocates in
// the current memory context; reads the lock table when a verdict depends on it.
SessionReports report_sessions();

// Completes what depends on locks for those without a verdict too.
void add_lock_facts(SessionReports& all);

// One session, judged among those of its application, with its locks; false when it is
// not there.
bool report_session(int number, SessionReport& report);

// The text of a session's last message.
struct LastStatement {
    char* text;  // pgstat_track_activity_query_size bytes, in the encoding of its database
    bool known;
    bool secret;  // it could carry a password, and is not to be shown
};

// As far as PostgreSQL keeps it; cut at a whole character.
void read_last_statement(const SessionReport& report, LastStatement& last);

// The opener of a session's open transaction; false when it changed meanwhile.
bool read_opener(const SessionReport& report, Opener& opener);

// Whether that is but BEGIN or the like, and the first statement after it runs: the opener,
// though it is stored as such only when it ends.
inline bool opener_runs(const SessionReport& report, const Opener& opener) {
    return report.backend.state == State::active && opener.neutral;
}

}  // namespace leash
