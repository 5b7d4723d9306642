// The one block of shared memory, and every struct that lives in it.
//
//     SharedState   counters of the whole server, sizes
//     SessionSlot   x max_connections, by proc number: one client session each
//     ReapNote      x kNoteCount: who ended a session, and why
//     SlowStatement x pg_leash.slow_statements_max: a ring
//     Observation   x max_connections: what the worker has seen of each session
//     Pursuit       x max_connections: how far a policy has taken each session
//     ReapRecord    x pg_leash.reap_log_max: the journal, a ring
//     ReapTotal     x kReapTotals: how many decisions of each kind there were
//     PolicySet     the policies in force
//     Notice        x kNoticeCount: notifications on their way
//     Breaker       x kBreakerCount: groups whose victims come back
//     SlowSummary   x pg_leash.slow_summary_max: slow statements by query
//     RefusalMinute x a day of minutes, a ring
//     RefusalEvent  x kRefusalsKept: the last refusals, a ring
//     SlowPlan      x kSlowPlans: plans of the slowest statements, a ring
//     IndexCandidate x kIndexCandidates: columns that slow statements filter by
//     Application   x pg_leash.applications_max: what each application did and needs
//     CountedBefore x max_connections: what their reset has forgotten of each session
//     HistoryRow    x pg_leash.history_retention: a minute each, a ring
//
// LIFECYCLE.  Created and zeroed at server start and again after a crash restart.
// A slot is opened at the end of InitPostgres and closed in on_shmem_exit; the
// epoch in its claim word goes on counting from one session to the next.
//
// CONCURRENCY.  Nothing that a session's statements touch has a lock.  Each struct
// says who writes it:
//   - one writer, many readers, fields that stand alone: Relaxed<T>;
//   - one writer, fields that belong together: ChangeCount around them;
//   - several writers: pg_atomic_*;
//   - what only reapers and readers of reap_log and policies touch: one of five
//     LWLocks (Lock), taken in the order of their numbers, never by a statement.
#pragma once

#include "server/shared_state_history.h"
#include "server/shared_types.h"

#include "core/active_minutes.h"
#include "core/breaker.h"
#include "core/claim.h"
#include "core/histogram.h"
#include "core/ladder.h"
#include "core/ledger.h"
#include "core/level_window.h"
#include "core/peer.h"
#include "core/policy.h"
#include "core/session_id.h"

extern "C" {
#include "libpq/pqcomm.h"
}

namespace leash {

inline constexpr size_t kCacheLine = 128;  // two lines: the prefetcher works in pairs
inline constexpr size_t kPage = 4096;      // of memory, on most machines
inline constexpr size_t kOpenerSize = 1024;
inline constexpr size_t kSlowTextSize = 1024;
inline constexpr size_t kTagTextSize = 512;
inline constexpr uint64_t kUnknownWait = ~uint64_t{0};
inline constexpr size_t kReasonSize = 200;
inline constexpr size_t kJournalOpenerSize = 256;
inline constexpr size_t kErrorSize = 256;
inline constexpr size_t kSnapshotIdSize = 32;
inline constexpr int kNoteCount = 4096;  // more than sessions die at one time
inline constexpr int kNoticeCount = 256;
inline constexpr int kBreakerCount = 256;
inline constexpr uint32_t kLayoutVersion = 5;
inline constexpr uint32_t kMagic = 0x4c534831;

// Who a session is; written once, when it opens.
struct SessionIdentity {
    SessionId id;
    TimestampTz backend_start;
    uint64_t opened_at;  // monotonic, ns
    Oid role;
    Oid database;
    int32_t encoding;  // of the database, and so of the session's texts
    SockAddr client;
    SockAddr server;
    PgBackendStatus* status;  // its own entry in PostgreSQL's array
};

// The transaction that is open, and the statement that opened it.
struct Opener {
    TimestampTz xact_start;  // as GetCurrentTransactionStartTimestamp()
    uint64_t begun;          // monotonic, ns
    bool neutral;            // BEGIN, SET and the like: the next statement is the opener
    StoredText<kOpenerSize> text;
};

// A session's permission to idle.
struct Lease {
    uint64_t until;  // monotonic, ns; 0: none
    TimestampTz until_wall;
    int32_t encoding;
    char reason[kReasonSize];
};

// One client session.  The owner writes all of it; of `word`, reapers write too.
//
// What a statement touches lies in one page: after a switch of processes the processor has
// to look up every page anew.  bench/stores counts them.
struct alignas(kPage) SessionSlot {
    // Hot: touched by every statement.
    ClaimAtomic word;
    Ledger ledger;
    Relaxed<uint64_t> statements;
    Relaxed<uint64_t> uses;  // statements that were no ping and not neutral
    Relaxed<uint64_t> transactions;
    Relaxed<uint64_t> slow_statements;
    Relaxed<uint64_t> last_use;          // monotonic, ns; when the last of them ended
    Relaxed<TimestampTz> secret_start;   // start of the message whose text is not to be shown
    Relaxed<TimestampTz> ended_message;  // start of the message whose statement has ended, else 0
    Relaxed<bool> listens;
    Relaxed<bool> backup;             // pg_backup_start() was called, and no stop
    Relaxed<bool> exported_snapshot;  // in the open transaction
    Relaxed<bool> imported_snapshot;
    Relaxed<int32_t> held_cursors;  // WITH HOLD, still open

    // One count in each is touched by every statement.
    Histogram latencies;  // of statements
    Histogram idle_gaps;  // between them, outside transactions

    // Cold: each under its change count.
    alignas(kCacheLine) ChangeCount identity_changes;
    ChangeCount opener_changes;
    ChangeCount lease_changes;
    ChangeCount import_changes;
    char imported[kSnapshotIdSize];  // which snapshot, when it has imported one
    SessionIdentity identity;
    Opener opener;
    Lease lease;
    bool folded;  // into its application; under Lock::applications
};

// Who claimed a session, and why; the claim word carries the note's number.  The
// reaper writes it before it claims, the victim reads it when it dies.
struct ReapNote {
    ChangeCount changes;
    uint32_t number;
    int32_t encoding;
    uint64_t age;  // ns in this state, as judged; 0: not judged
    State state;
    char by[NAMEDATALEN];      // role; empty: the worker
    char policy[NAMEDATALEN];  // empty: by hand
    char reason[kReasonSize];
};

// A slow statement that has ended.
struct SlowStatement {
    EntryCount changes;
    uint64_t sequence;  // 0: empty
    TimestampTz finished_at;
    uint64_t duration;     // ns
    uint64_t client_wait;  // ns of it, as sampled; kUnknownWait: no worker
    SessionId session;
    Oid role;
    Oid database;
    SockAddr client;
    char application_name[NAMEDATALEN];
    uint64_t query_id;
    uint64_t rows;
    int64_t shared_blks_hit;
    int64_t shared_blks_read;
    int64_t temp_blks_written;
    uint64_t wal_bytes;
    int32_t sqlstate;  // 0: it succeeded
    bool secret;       // the text could carry a password and was not stored
    StoredText<kSlowTextSize> text;
    StoredText<kTagTextSize> tags;  // the comment, where the text was cut before it
};

// What the worker has seen of the session in the slot of the same number.  Written by
// the worker alone.
struct Observation {
    ChangeCount changes;
    Peer peer;
    SessionId session;         // whom all this is about
    TimestampTz state_change;  // PostgreSQL's, as last seen
    uint64_t state_since;      // monotonic, ns: when that state began
    TimestampTz xact_start;    // PostgreSQL's, as last seen; 0: no transaction
    uint64_t xact_since;       // monotonic, ns: when that transaction began
    uint64_t client_wait;      // ns, waits for the client in the middle of commands
    uint64_t stalled_since;    // monotonic, ns: when it last did anything; 0: waits for no client
    uint64_t cpu_time;         // ns that its process had used by then
    int32_t application;       // index; -1: not known yet
    TimestampTz message;       // the one that waited for its client last, and
    uint64_t message_wait;     // ns, for how long
    uint64_t peer_asked_at;    // monotonic, ns; 0: never
    uint64_t acked;            // bytes that its client had acknowledged by then
};

// How far a policy has taken the session in the slot of the same number.  Under
// Lock::round.
struct Pursuit {
    SessionId session;
    char policy[kNameSize];
    int64_t period;  // what it is pursued for: see server/pursuit.h
    Progress progress;
    Mode mode;           // in which the last step was taken
    bool refused;        // that the breaker held it was journaled
    bool woke_up;        // that it woke up was, and it is tried again
    uint64_t journaled;  // sequence of the last row about it; 0: none

    // The exit, or the end of a command, that is awaited.
    Step awaited;           // terminate, cancel, or none
    bool overdue;           // it was reported that this takes long
    TimestampTz command;    // state_change of the command that was cancelled
    uint64_t signalled_at;  // monotonic, ns
};

// One decision.  Under Lock::journal.
struct ReapRecord {
    uint64_t sequence;  // 0: empty
    TimestampTz decided_at;
    char policy[kNameSize];  // empty: by hand
    char by[kNameSize];      // the role; empty: the worker
    Mode mode;
    Action action;
    Leak kind;
    Weight weight;
    SessionId session;
    Oid role;
    char usename[kNameSize];
    char datname[kNameSize];
    char application[kNameSize];
    int32_t encoding;  // of application and opener
    Address client;
    uint64_t leaked_for;  // ns
    uint32_t blocked_sessions;
    uint64_t took;  // ns, until it was gone from the process array; 0: not (yet)
    bool unlogged;  // its line in the server log waits for the outcome
    char outcome[48];
    int32_t reason_encoding;
    char reason[kReasonSize];  // as given by hand
    StoredText<kJournalOpenerSize> opener;
};

inline constexpr int kReapTotals = 256;

// How many decisions there were of one kind.  Under Lock::journal.
struct ReapTotal {
    uint64_t decisions;      // 0: free, and so are those behind it
    char policy[kNameSize];  // empty: by hand
    Leak kind;
    Mode mode;
    char outcome[24];  // without its details
};

// The policies in force, in the order of their priority.  Under Lock::policies; the
// clerk writes the policies, whoever holds Lock::round the progress.
struct PolicySet {
    int32_t count;
    uint64_t version;        // moves on whenever they change
    TimestampTz loaded_at;   // 0: never
    char error[kErrorSize];  // why the table could not be read; empty: it was
    Policy policies[kMaxPolicies];
    PolicyProgress progress[kMaxPolicies];
    uint32_t ended_by_second[kMaxPolicies][60];  // for the brake
    uint64_t brake_second[kMaxPolicies];         // the second last counted
};

// A notification that the clerk is to send.  Under Lock::policies.
struct Notice {
    char payload[512];
};

// The worker, as others see it.  Written by the worker alone.
struct WorkerStatus {
    ChangeCount changes;
    int32_t pid;  // 0: it does not run
    TimestampTz started_at;
    TimestampTz last_round_at;
    uint64_t last_round;  // monotonic, ns: when the last round began
    uint64_t rounds;
    uint64_t round_time;  // ns, of the last one
    uint64_t round_time_max;
    uint64_t round_time_total;
    uint64_t samples;
    uint64_t last_sample;  // monotonic, ns: when the last sample began
    uint64_t sample_time_total;
    uint64_t history_rows;
    uint64_t history_time_total;  // ns
    uint64_t history_time_max;
    uint32_t longest_reset;  // when the longest times began anew
    uint64_t errors;
    TimestampTz error_at;
    bool failing;  // no round has ended well since
    char error[kErrorSize];
    // Levels of the whole server, as sampled.
    int32_t in_use;
    int32_t in_use_peak;
    int32_t busy;
    int32_t busy_peak;
};

// How a session ended.
enum class Ending : uint8_t {
    exit,       // its client said good-bye
    abandoned,  // its client was gone
    fatal,
    killed,  // by somebody else
    reaped,  // by us
};
inline constexpr int kEndings = 5;

// An application: role x database x name.  Sessions are folded into it when they end;
// what lives is added by whoever reads.  Under Lock::applications.
struct Application {
    uint64_t hash;  // of the three; 0: free
    Oid role;
    Oid database;
    int32_t encoding;  // of the name
    char name[kNameSize];
    TimestampTz known_since;  // 0: forgotten by a reset, and not seen since
    uint64_t known_at;        // monotonic, ns: since when in this life of the server,
    uint64_t known_before;    // ns, and for how long in lives before

    // Of sessions that have ended; times in ns.
    uint64_t ended[kEndings];
    uint64_t lifetime;
    uint64_t statements;
    uint64_t uses;  // of them, those that were no ping and not neutral
    uint64_t transactions;
    uint64_t slow_statements;
    uint64_t active_time;
    uint64_t idle_time;
    uint64_t in_transaction_time;
    uint64_t client_wait;
    HistogramSum latencies;
    HistogramSum idle_gaps;

    uint64_t leaked;    // sessions that were judged leaked, since known_since
    uint32_t sessions;  // as last sampled
    uint32_t in_use_now;
    uint32_t busy_now;
    LevelWindow levels;
    uint64_t learned;       // ns, the gap it practically never exceeded; 0: not known yet
    uint32_t usual_in_use;  // not exceeded for 99.9 % of the time; 0: not known yet

    ActiveMinutes active_minutes;  // with statements
};

// What a session has done; times in ns.
struct SessionCounts {
    uint64_t statements;
    uint64_t uses;  // of them, those that were no ping and not neutral
    uint64_t transactions;
    uint64_t slow_statements;
    uint64_t active_time;
    uint64_t idle_time;
    uint64_t in_transaction_time;
    uint64_t client_wait;
};

// What a session had done when the statistics of applications were reset, and is not
// counted again.  Under Lock::applications.
struct CountedBefore {
    SessionId session;
    SessionCounts counts;
};

enum class Lock : uint8_t { round, policies, journal, applications, slow };
inline constexpr int kLocks = 5;

inline constexpr int kSlowPlans = 100;
inline constexpr size_t kPlanTextSize = 4096;

// The plan of a slow statement.
struct SlowPlan {
    EntryCount changes;
    uint64_t statement;  // sequence of the slow statement; 0: empty
    StoredText<kPlanTextSize> text;
};

// Slow statements of one query in one database for one role.  Under Lock::slow.
struct SlowSummary {
    uint64_t hash;  // of the three; 0: free
    uint64_t query_id;
    Oid role;
    Oid database;
    uint64_t calls;
    uint64_t failed;      // of them, cancelled ones too
    uint64_t total_time;  // ns
    uint64_t max_time;
    uint64_t client_wait;
    uint64_t rows;
    uint64_t shared_blks_read;
    uint64_t temp_blks_written;
    TimestampTz last_seen;
    char application_name[NAMEDATALEN];  // the last one
    Histogram durations;
    bool secret;
    StoredText<kSlowTextSize> text;
};

inline constexpr int kIndexCandidates = 200;
inline constexpr int kIndexColumns = 4;

// Columns of a large table that slow statements read from its start to its end to filter
// by.  Names and numbers are those of the plan that was seen last.  Under Lock::slow.
struct IndexCandidate {
    uint64_t hash;  // of database, table, columns and operators; 0: free
    Oid database;
    Oid relation;
    int32_t columns;
    int16_t attributes[kIndexColumns];  // ascending
    Oid operators[kIndexColumns];
    char names[kIndexColumns][NAMEDATALEN];
    char relation_name[NAMEDATALEN];
    int32_t encoding;  // of the names
    Oid role;          // of the last statement
    uint64_t query_id;
    uint64_t slow_statements;
    uint64_t total_time;  // ns, of those
    double rows_scanned;  // in all, by the table's size at each
    double rows_kept;     // of those, as the planner expected
    TimestampTz last_seen;
};

enum class Refusal : uint8_t {
    too_many_clients,
    reserved_slots,
    role_limit,
    database_limit,
    authentication,
    unavailable,  // starting up, shutting down, in recovery
};
inline constexpr int kRefusals = 6;

// How often something has happened lately: for each minute of the monotonic clock, by
// its remainder, the minute (upper half) and the count.
struct RecentCount {
    static constexpr uint64_t kMinutes = 16;
    pg_atomic_uint64 cells[kMinutes];

    void add(uint64_t now);  // now: monotonic, ns
    uint64_t of_last(uint64_t minutes, uint64_t now);
};

inline constexpr int kRefusalMinutes = 24 * 60;
inline constexpr int kRefusalsKept = 100;

// Connections refused in one minute, by reason.
struct RefusalMinute {
    pg_atomic_uint64 minute;  // since 1970
    pg_atomic_uint32 refused[kRefusals];
};

// One of the last refusals.
struct RefusalEvent {
    EntryCount changes;
    uint64_t sequence;  // 0: empty
    TimestampTz at;
    Refusal reason;
    char usename[NAMEDATALEN];  // as the client gave them; empty: not known
    char datname[NAMEDATALEN];
    SockAddr client;
};

// Written where sessions come, go or are refused, and by slow statements; never
// on the path of an ordinary statement.
struct SharedState {
    uint32_t magic;
    uint32_t layout_version;
    int32_t slots;
    int32_t slow_entries;
    pg_atomic_uint64 opened_total;
    pg_atomic_uint64 opened_reset;  // opened_total when it was reset
    pg_atomic_uint64 peak_used;
    pg_atomic_uint64 peak_at;  // TimestampTz
    pg_atomic_uint32 sessions;
    pg_atomic_uint32 sessions_peak;  // since the worker looked last
    pg_atomic_uint32 next_note;
    pg_atomic_uint64 refused[kRefusals];
    pg_atomic_uint64 refused_reset[kRefusals];  // as opened_reset
    pg_atomic_uint64 refused_last_at;           // TimestampTz, 0: never
    pg_atomic_uint64 refusal_sequence;          // of the newest RefusalEvent
    RecentCount refused_lately;                 // for lack of a slot
    pg_atomic_uint64 slow_sequence;             // of the newest slow statement
    pg_atomic_uint64 plan_sequence;             // of the newest plan
    pg_atomic_uint64 slow_reset;                // entries up to this one are forgotten
    pg_atomic_uint64 slow_lost;
    pg_atomic_uint64 stats_reset;      // TimestampTz
    pg_atomic_uint64 policies_wanted;  // bumped by whoever may have changed the table
    pg_atomic_uint64 policies_read;    // policies_wanted when the table was last read
    pg_atomic_uint32 worker_proc;      // number of the worker's PGPROC + 1; 0: none
    pg_atomic_uint32 peaks_reset;      // bumped when sampled peaks are to begin anew
    pg_atomic_uint32 longest_reset;    // bumped when the worker's longest times are to
    LWLockPadded* locks;
    int32_t journal_entries;
    int32_t summaries;           // room for
    uint64_t summaries_lost;     // made room for others; under Lock::slow
    int32_t applications;        // room for
    int32_t applications_known;  // under Lock::applications
    uint64_t journal_sequence;   // of the newest row; under Lock::journal
    uint64_t journal_changes;    // rows written and amended; under Lock::journal
    uint64_t last_round;         // monotonic, ns: when it looked; under Lock::round
    int32_t awaited;             // pursuits that await something; under Lock::round
    uint32_t notices;            // how many wait; under Lock::policies
    uint32_t notices_lost;
    uint64_t ended_statements;  // of sessions that have ended; under Lock::applications
    uint64_t others_ended;      // that found no room, since the reset; likewise
    uint64_t ended_reaped;      // those that we ended; under Lock::applications
    WorkerStatus worker;
    HistoryState history;
};

static_assert(kMayLiveInSharedMemory<SharedState>);
static_assert(kMayLiveInSharedMemory<SessionSlot>);
static_assert(kMayLiveInSharedMemory<ReapNote>);
static_assert(kMayLiveInSharedMemory<SlowStatement>);
static_assert(kMayLiveInSharedMemory<Observation>);
static_assert(kMayLiveInSharedMemory<Pursuit>);
static_assert(kMayLiveInSharedMemory<ReapRecord>);
static_assert(kMayLiveInSharedMemory<ReapTotal>);
static_assert(kMayLiveInSharedMemory<PolicySet>);
static_assert(kMayLiveInSharedMemory<Notice>);
static_assert(kMayLiveInSharedMemory<Application>);
static_assert(kMayLiveInSharedMemory<CountedBefore>);
static_assert(kMayLiveInSharedMemory<SlowSummary>);
static_assert(kMayLiveInSharedMemory<SlowPlan>);
static_assert(kMayLiveInSharedMemory<IndexCandidate>);
static_assert(kMayLiveInSharedMemory<RefusalMinute>);
static_assert(kMayLiveInSharedMemory<RefusalEvent>);
static_assert(kMayLiveInSharedMemory<HistoryRow>);
static_assert(sizeof(SessionSlot) == kPage, "a slot takes a page and no more");
static_assert(offsetof(SessionSlot, latencies) <= kCacheLine,
              "what every statement touches, but for two counts, fits two cache lines");

// Null until the library was preloaded and the server started.
SharedState* shared();
SessionSlot* session_slot(int number);
ReapNote* reap_note(uint16_t number);
SlowStatement* slow_statement(uint64_t sequence);
Observation* observation(int number);
Pursuit* pursuit(int number);
ReapRecord* reap_record(uint64_t sequence);
ReapTotal* reap_total(int number);
PolicySet* policy_set();
Notice* notice(int number);
Breaker* breaker(int number);
Application* application(int number);
CountedBefore* counted_before(int number);
SlowSummary* slow_summary(int number);
SlowPlan* slow_plan(uint64_t sequence);
IndexCandidate* index_candidate(int number);
RefusalMinute* refusal_minute(uint64_t minute);
RefusalEvent* refusal_event(uint64_t sequence);
HistoryRow* history_row(uint64_t sequence);
LWLock* lock(Lock which);

// Raises ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE unless the library was preloaded.
void require_preload();

// Called from _PG_init.
void install_shared_state();

}  // namespace leash
