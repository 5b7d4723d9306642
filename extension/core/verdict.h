// The verdict: is this session leaked, as what, since when, how much does it hurt.
#pragma once

#include <cstddef>
#include <cstdint>

#include "names.h"
#include "peer.h"

namespace leash {

// What a session waits for from its client.
enum class ClientWait : uint8_t { none, read, write };

// What is known of a session's application from before this moment; 0: nothing.
struct Habits {
    uint64_t idle;    // ns, what its sessions practically never exceed
    uint32_t in_use;  // sessions, not exceeded for 99.9 % of the time
    bool of_use;      // sessions that have ended sent more than pings
};

// All that a verdict rests on.  Durations are nanoseconds.
struct SessionFacts {
    State state;
    ClientWait client_wait;
    uint64_t idle_for;       // since the last command ended
    uint64_t unused_for;     // since the last statement that was no ping
    uint64_t state_for;      // since PostgreSQL reported this state
    uint64_t stalled_for;    // since its process last did anything; 0: it waits for no client
    uint64_t connected_for;  // since the session could run its first statement
    uint64_t statements;
    uint64_t uses;  // statements that were no ping and not neutral
    uint32_t blocked_sessions;
    Habits habits;
    bool listens;
    bool advisory_lock;
    bool holds_xmin;
    bool holds_locks;
    bool lease;
    bool backup;
    bool exported_snapshot;
    bool imported_snapshot;  // from somebody who still counts on it
    Peer peer;
};

// Durations in nanoseconds; 0 switches a kind off.
struct Thresholds {
    uint64_t idle_in_transaction;
    uint64_t idle;
    uint64_t never_used;
    uint64_t stalled_client;
};

struct Verdict {
    Leak leak;
    Leak apparent;  // what it would be without its exemption: policies may reach it
    Exempt exempt;
    Weight weight;
    uint64_t leaked_for;  // how long the evidence has lasted
    uint64_t threshold;   // the one it exceeds; 0: none
};

// How long a session must have been as it is before its client counts as gone.  Data
// may be lost on the way for a moment, and a client that leaves may just have sent its
// last command.
inline constexpr uint64_t kPeerGoneFloor = 5'000'000'000;

// Judges one session by itself.  Whether it is too many is decided among the sessions of
// its application: until judge_pools() there is no `abandoned`, and a session of a pool
// that was not needed yet is `never used` or `ping only`.
Verdict judge(const SessionFacts& facts, const Thresholds& thresholds);

// True for kinds that count as leaked.
constexpr bool is_leaked(Leak leak) {
    return leak != Leak::none && leak != Leak::unused;
}

// How many sessions an application may keep idle without being accused: ten in all, or
// twice what it uses, now or at its busy times.
inline constexpr uint32_t kPoolAllowance = 10;

// One session as a member of its application (role x database x application).
struct Member {
    uint32_t role;
    uint32_t database;
    uint64_t application;  // hash of the name; 0: it has none
    const SessionFacts* facts;
    Verdict* verdict;
    uint64_t age;  // judge_pools() goes by it
};

// Completes the verdicts of all sessions of the applications that `members` are of.
// Beyond its application's allowance, oldest first, an idle session is `abandoned`, once it
// has been idle for longer than its application's habit, if that is known.  Within, it is
// `unused`; so is one that was never used or only pinged, in an application that others
// have used: a pool keeps some ready.  For sessions without a name, which may be a pooler's,
// what all with that role and database use counts.  Sessions that leak in another way are none of
// the pool's.  Exempt ones only appear so, and are not counted off.  Sorts `members`.
void judge_pools(Member* members, size_t count);

// Writes the reason for a verdict as one sentence; returns its length.
size_t describe(const Verdict& verdict, const SessionFacts& facts, char* buffer, size_t size);

}  // namespace leash
