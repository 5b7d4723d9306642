// How far policies have taken sessions, and what still has to come of it.  All of it
// under Lock::round.
#pragma once

#include "server/reap_journal.h"
#include "server/session_report.h"

namespace leash {

// Rows to be logged once no lock is held any more.
struct LogQueue {
    ReapRecord* records;
    int count;
    int room;

    void add(const ReapRecord& record);
    void flush();
};

// What a policy pursues a session for, as a number that is another in a new case: the
// idle period or command that lasts or, where the policy goes by a longer age, the time
// since the last use or the open transaction.
int64_t period_of(const Policy& policy, const SessionReport& report);

// The pursuit of the session in its slot by this policy, in this period and in its mode.
// Starts anew when it was another.
Pursuit& pursue(const SessionReport& report, const Policy& policy, int64_t period, LogQueue& log);

// From now on the exit (Step::terminate) or the end of the command (Step::cancel) is
// awaited: settle_exits() completes the row `journaled`.
void await_outcome(Pursuit& pursuit, Step step, TimestampTz command, uint64_t signalled_at);

// Has settle_exits() complete a row that was written and logged without a policy.  Not
// under Lock::round: when a round is under way, or a policy pursues that session, the row
// stays as it is.
void hand_over(int number, const ReapRecord& record, Step step, TimestampTz command,
               uint64_t signalled_at);

// What is awaited in this slot is settled now, or waited for no longer.
void conclude(int number, LogQueue& log);

}  // namespace leash
