#include "server/by_hand.h"

#include "server/clock.h"
#include "server/pursuit.h"
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
bool begin(ByHand& hand, SessionSlot* slot, const SessionIdentity& target, Action action,
           const char* reason, int encoding) {
    SessionReport report;
    const int number = static_cast<int>(slot - session_slot(0));
    if (!report_session(number, report) || report.identity.id != target.id) {
        return false;
    }
    hand.slot = slot;
    hand.target = target;
    ReapRecord& record = hand.record;
    record = make_record(report, or_empty(GetUserNameFromId(target.role, true)),
                         or_empty(get_database_name(target.database)));
    strlcpy(record.by, GetUserNameFromId(GetUserId(), false), sizeof record.by);
    record.mode = Mode::enforce;
    record.action = action;
    record.reason_encoding = encoding;
    const char* const why = or_empty(reason);
    const int length =
        pg_encoding_mbcliplen(encoding, why, static_cast<int>(strlen(why)), kReasonSize - 1);
    memcpy(record.reason, why, static_cast<size_t>(length));
    return true;
}

// Writes the row; `begun` is the outcome that is not final.
Outcome note(ByHand& hand, Outcome outcome, Outcome begun) {
    if (outcome == kOwnSession) {
        return outcome;
    }
    hand.began = monotonic_ns();
    hand.record.unlogged = outcome == begun;
    set_outcome(hand.record, outcome);
    journal_add(hand.record);
    return outcome;
}

// Waits for what was begun.  The row is completed and logged also when the wait is
// interrupted.
template <class Await>
Outcome complete(ByHand& hand, Outcome begun, Await await) {
    volatile bool came_about = false;
    PG_TRY();
    { came_about = await() != begun; }
    PG_CATCH();
    {
        (void)finish_by_hand(hand, false);
        PG_RE_THROW();
    }
    PG_END_TRY();
    return finish_by_hand(hand, came_about);
}

bool is_cancel(const ByHand& hand) {
    return hand.record.action == Action::cancel;
}

}  // namespace

Outcome begin_terminate(ByHand& hand, SessionSlot* slot, const SessionIdentity& target,
                        const char* reason, int encoding, bool force) {
    if (!begin(hand, slot, target, Action::terminate, reason, encoding)) {
        return kGone;
    }
    const Motive motive = {hand.record.by, "", reason, encoding, 0, State::unknown};
    return note(hand, end_session(slot, target, motive, force), kStillExiting);
}

Outcome begin_cancel(ByHand& hand, SessionSlot* slot, const SessionIdentity& target,
                     const char* reason, int encoding) {
    if (!begin(hand, slot, target, Action::cancel, reason, encoding)) {
        return kGone;
    }
    return note(hand, cancel_statement(slot, target, hand.command), kStillRunning);
}

bool has_come_about(const ByHand& hand) {
    const int number = static_cast<int>(hand.slot - session_slot(0));
    BackendState now{};
    return is_cancel(hand)
               ? !read_backend_state(number, hand.target, now) || !same_period(now, hand.command)
               : has_exited(number, hand.target.id);
}

Outcome finish_by_hand(ByHand& hand, bool came_about) {
    const Outcome outcome = is_cancel(hand) ? (came_about ? kCancelled : kStillRunning)
                                            : (came_about ? kEnded : kStillExiting);
    ReapRecord amended;
    if (journal_amend(hand.record.sequence, outcome, came_about ? monotonic_ns() - hand.began : 0,
                      amended)) {
        journal_log(amended);
    }
    if (!came_about) {
        hand_over(static_cast<int>(hand.slot - session_slot(0)), hand.record,
                  is_cancel(hand) ? Step::cancel : Step::terminate, hand.command.state_change,
                  hand.began);
    }
    return outcome;
}

Outcome terminate_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force) {
    ByHand hand{};
    const Outcome outcome =
        begin_terminate(hand, slot, target, reason, GetDatabaseEncoding(), force);
    if (outcome != kStillExiting) {
        return outcome;
    }
    return complete(hand, outcome, [&] { return await_exit(slot, target); });
}

Outcome cancel_by_hand(SessionSlot* slot, const SessionIdentity& target, const char* reason) {
    ByHand hand{};
    const Outcome outcome = begin_cancel(hand, slot, target, reason, GetDatabaseEncoding());
    if (outcome != kStillRunning) {
        return outcome;
    }
    return complete(hand, outcome, [&] { return await_cancel(slot, target, hand.command); });
}

}  // namespace leash
