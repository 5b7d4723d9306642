// Ends sessions and cancels statements, by the claim of core/claim.h.
#pragma once

#include "server/backend_state.h"

namespace leash {

// What became of it, in the words of the interface.  'refused: ...' and
// 'exempt: ...' say why nothing was done.
using Outcome = const char*;

// Arrays: outcomes are compared by address, and a literal may have another one in each file.
inline constexpr char kEnded[] = "ended";
inline constexpr char kStillExiting[] = "still exiting";
inline constexpr char kWokeUp[] = "spared: woke up";
inline constexpr char kGone[] = "gone";
inline constexpr char kCancelled[] = "cancelled";
inline constexpr char kStillRunning[] = "still running";
inline constexpr char kTooLate[] = "too late";
inline constexpr char kOwnSession[] = "refused: own session";

// How long an exit, or the end of a cancelled statement, is waited for, in ms.
inline constexpr long kPatience = 5'000;

// What a decision about a session rests on.
struct Judged {
    uint64_t word;  // claim word, read before the rest
    BackendState backend;
};

// Who wants to end a session, and why: what its note is made of.
struct Motive {
    const char* by;      // role; empty: the worker
    const char* policy;  // empty: by hand
    const char* reason;
    int encoding;  // of the three
    uint64_t age;  // ns in `state`, as judged; 0: not judged
    State state;
};

// Whether the session is idle, in a transaction or not.
bool is_idle(State state);

// The same command still runs, or the same idle period lasts, as far as PostgreSQL tells.
bool same_period(const BackendState& a, const BackendState& b);

// One attempt to end a session in exactly the idle period, or command, that was judged.
// Waits for nothing.  kStillExiting: it is signalled.  Null: somebody else is at it, or
// the session has moved on within its command; judge again.
Outcome attempt_end(SessionSlot* slot, const SessionIdentity& target, const Judged& judged,
                    const Motive& motive);

// One attempt to cancel exactly the command that was judged.  kStillRunning: it is
// signalled.  Null as above.
Outcome attempt_cancel(SessionSlot* slot, const SessionIdentity& target,
                       const BackendState& judged);

// Gone from the process array: its PGPROC belongs to nobody or to another process.
bool has_exited(int number, const SessionId& session);

// Whether a role may signal sessions of another, as pg_signal_backend() decides.
bool may_act_on(Oid actor, Oid role);

// The slot of a session, or null when no such session is open.
SessionSlot* find_session(const SessionId& id, SessionIdentity& identity);

// Claims and ends one session in whatever idle period it is found.  Without `force`
// only an idle one; with it, in any state.  kStillExiting: it is signalled.
Outcome end_session(SessionSlot* slot, const SessionIdentity& target, const Motive& motive,
                    bool force);

// Cancels the statement that runs now.  kStillRunning: it is signalled; `command` is
// then what it hit.
Outcome cancel_statement(SessionSlot* slot, const SessionIdentity& target, BackendState& command);

// Wait for what end_session() and cancel_statement() have begun.
Outcome await_exit(const SessionSlot* slot, const SessionIdentity& target);
Outcome await_cancel(const SessionSlot* slot, const SessionIdentity& target,
                     const BackendState& command);

}  // namespace leash
