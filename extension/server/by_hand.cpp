#include "server/by_hand.h"

#include "server/clock.h"
#include "server/reap_journal.h"

extern "C" {
#include "commands/dbcommands.h"
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

const char* or_empty(const char* text) {
    return text != nullptr ? text : "";
}

// Made before the session is acted on, since it may not be there any more afterwards.
bool begin_record(int number, const SessionIdentity& target, Action action, const char* reason,
                  ReapRecord& record) {
    SessionReport report;
    if (!report_session(number, report) || report.identity.id != target.id) {
        return false;
    }
    record = make_record(report, or_empty(GetUserNameFromId(target.role, true)),
                         or_empty(get_database_name(target.database)));
    strlcpy(record.by, GetUserNameFromId(GetUserId(), false), sizeof record.by);
    record.mode = Mode::enforce;
    record.action = action;
    record.reason_encoding = GetDatabaseEncoding();
    const char* const why = or_empty(reason);
    const int length = pg_mbcliplen(why, static_cast<int>(strlen(why)), kReasonSize - 1);
    memcpy(record.reason, why, static_cast<size_t>(length));
    return true;
}

// Waits for what was begun.  The row is completed and logged also when the wait is
// interrupted.
template <class Await>
Outcome complete(ReapRecord& record, Outcome begun, Await await) {
    const uint64_t at = monotonic_ns();
    volatile Outcome outcome = begun;
    record.unlogged = true;
    set_outcome(record, begun);
    journal_add(record);
    PG_TRY();
    { outcome = await(); }
    PG_FINALLY();
    {
        const bool came = outcome != begun;
        ReapRecord amended;
        if (journal_amend(record.sequence, outcome, came ? monotonic_ns() - at : 0, amended)) {
            journal_log(amended);
        }
    }
    PG_END_TRY();
    return outcome;
}

Outcome conclude(ReapRecord& record, Outcome outcome) {
    if (outcome != kOwnSession) {
        set_outcome(record, outcome);
        journal_add(record);
    }
    return outcome;
}

}  // namespace

Outcome terminate_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force) {
    ReapRecord record;
    const int number = static_cast<int>(slot - session_slot(0));
    if (!begin_record(number, target, Action::terminate, reason, record)) {
        return kGone;
    }
    const Motive motive = {record.by, "", reason, GetDatabaseEncoding(), 0, State::unknown};
    const Outcome outcome = end_session(slot, target, motive, force);
    if (outcome != kStillExiting) {
        return conclude(record, outcome);
    }
    return complete(record, outcome, [&] { return await_exit(slot, target); });
}

Outcome cancel_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason) {
    ReapRecord record;
    const int number = static_cast<int>(slot - session_slot(0));
    if (!begin_record(number, target, Action::cancel, reason, record)) {
        return kGone;
    }
    BackendState command{};
    const Outcome outcome = cancel_statement(slot, target, command);
    if (outcome != kStillRunning) {
        return conclude(record, outcome);
    }
    return complete(record, outcome, [&] { return await_cancel(slot, target, command); });
}

}  // namespace leash
