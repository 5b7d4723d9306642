#include "server/reaper.h"

#include "server/debug_stop.h"
#include "server/lease.h"
#include "server/lock_facts.h"
#include "server/session.h"
#include "server/shared_snapshots.h"
#include "server/signal.h"

extern "C" {
#include "catalog/pg_authid.h"
#include "mb/pg_wchar.h"
#include "storage/latch.h"
#include "utils/acl.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr int kAttempts = 20;         // when another reaper, or a mere moment, is in the way
constexpr long kBetweenAttempts = 1;  // ms
constexpr long kLookEvery = 5;        // ms

int number_of(const SessionSlot* slot) {
    return static_cast<int>(slot - session_slot(0));
}

// Writes down who ends a session and why, for the victim to read.
uint16_t write_note(const Motive& motive) {
    const auto number = static_cast<uint16_t>(pg_atomic_fetch_add_u32(&shared()->next_note, 1));
    const char* const why = motive.reason != nullptr ? motive.reason : "";
    const int length = pg_mbcliplen(why, static_cast<int>(strlen(why)), kReasonSize - 1);
    ReapNote* const note = reap_note(number);
    note->changes.begin_write();
    note->number = number;
    note->encoding = motive.encoding;
    note->age = motive.age;
    note->state = motive.state;
    strlcpy(note->by, motive.by, sizeof note->by);
    strlcpy(note->policy, motive.policy, sizeof note->policy);
    memcpy(note->reason, why, static_cast<size_t>(length));
    note->reason[length] = '\0';
    note->changes.end_write();
    return number;
}

void sleep_ms(long ms) {
    (void)WaitLatch(MyLatch, WL_LATCH_SET | WL_TIMEOUT | WL_EXIT_ON_PM_DEATH, ms,
                    PG_WAIT_EXTENSION);
    ResetLatch(MyLatch);
    CHECK_FOR_INTERRUPTS();
}

bool is_there(const SessionSlot* slot, const SessionIdentity& target) {
    BackendState ignored{};
    return read_backend_state(number_of(slot), target, ignored);
}

// Why a session is never ended, in whatever state and forced or not; null: it may be.
Outcome refuse_ever(const SessionSlot* slot) {
    if (holds_lease(*slot)) {
        return "exempt: lease";
    }
    if (slot->backup.get()) {
        return "exempt: runs a backup";
    }
    if (slot->exported_snapshot.get()) {
        return "exempt: exported a snapshot";
    }
    return imports_living_snapshot(*slot) ? "exempt: imported a snapshot" : nullptr;
}

Outcome outcome_of(claim::Result result, const SessionSlot* slot, const SessionIdentity& target) {
    switch (result) {
        case claim::Result::committing: {
            const Outcome never = refuse_ever(slot);
            return never != nullptr ? never : "refused: committing";
        }
        case claim::Result::gone:
        case claim::Result::taken:
            return kGone;
        default:
            // The word moves on also when another session takes the slot.
            return is_there(slot, target) ? kWokeUp : kGone;
    }
}

// The period that was judged lasts, and the client is still waited for, if it was; in the
// middle of a command it has neither read nor sent anything since.
bool still_as_judged(const SessionSlot* slot, const SessionIdentity& target,
                     const BackendState& judged) {
    BackendState now{};
    return read_backend_state(number_of(slot), target, now) && same_period(now, judged) &&
           (judged.client_wait == ClientWait::none || now.client_wait == judged.client_wait) &&
           (judged.cpu_time == 0 || now.cpu_time == judged.cpu_time) && !now.in_sync_rep;
}

// Whether what was judged goes on although the claim has failed.  An idle session wakes to serve
// others' interrupts (invalidations, notifications) and waits for nobody meanwhile; within a
// command the word moves from one statement of a message to the next.
bool still_lasts(const SessionSlot* slot, const SessionIdentity& target,
                 const BackendState& judged) {
    if (!is_idle(judged.state)) {
        return still_as_judged(slot, target, judged);
    }
    BackendState now{};
    return read_backend_state(number_of(slot), target, now) && same_period(now, judged);
}

// Why an idle session must not be ended without force; null when it may.
Outcome refuse_idle(const SessionSlot* slot, const SessionIdentity& target,
                    const BackendState& seen) {
    if (const Outcome never = refuse_ever(slot)) {
        return never;
    }
    if (!is_idle(seen.state)) {
        return seen.state == State::unknown ? "refused: state unknown" : "refused: active";
    }
    if (seen.client_wait == ClientWait::write) {
        return "refused: its client does not read";
    }
    if (slot->listens.get()) {
        return "exempt: listens";
    }
    return holds_advisory_lock(target.id.pid) ? "exempt: holds an advisory lock" : nullptr;
}

// Claims with `claim`, and signals.
template <class Claim>
Outcome claim_and_signal(SessionSlot* slot, const SessionIdentity& target, Claim claim) {
    // The handle is opened first and the session looked at after it: the process
    // that the claim finds alive is then the one that the handle names.
    const ProcessHandle process(target.id.pid);
    debug_stop("judged");
    Outcome outcome = nullptr;
    const claim::Result result = claim();
    if (result == claim::Result::won) {
        const bool sent = process.send(SIGTERM);
        debug_stop("signalled");
        claim::finish_claim(slot->word);
        outcome = sent ? kStillExiting : kGone;
    }
    process.close();
    if (outcome != nullptr || result == claim::Result::busy) {
        return outcome;
    }
    return outcome_of(result, slot, target);
}

// One attempt; null means: look again in a moment.
Outcome try_idle(SessionSlot* slot, const SessionIdentity& target, const Motive& motive) {
    Judged judged{};
    judged.word = slot->word.load();
    if ((judged.word & claim::kOpen) == 0 ||
        !read_backend_state(number_of(slot), target, judged.backend)) {
        return kGone;
    }
    const Outcome refusal = refuse_idle(slot, target, judged.backend);
    return refusal != nullptr ? refusal : attempt_end(slot, target, judged, motive);
}

Outcome try_any(SessionSlot* slot, const SessionIdentity& target, const Motive& motive) {
    const auto may_be_ended = [&] {
        BackendState now{};
        if (!read_backend_state(number_of(slot), target, now)) {
            return claim::Result::gone;
        }
        const bool never = now.in_sync_rep || refuse_ever(slot) != nullptr;
        return never ? claim::Result::committing : claim::Result::won;
    };
    if (const claim::Result before = may_be_ended(); before != claim::Result::won) {
        return outcome_of(before, slot, target);
    }
    const uint16_t note = write_note(motive);
    return claim_and_signal(slot, target, [&] {
        return claim::claim_any(slot->word, note, may_be_ended, debug_stop_after);
    });
}

// Why a statement cannot be cancelled; null when it can.
Outcome refuse_cancel(const BackendState& seen) {
    if (seen.state == State::unknown) {
        return "refused: state unknown";
    }
    if (is_idle(seen.state)) {
        return "refused: runs no statement";
    }
    if (seen.state == State::fastpath) {
        return "refused: fast-path call";  // nothing tells us when it ends
    }
    if (seen.client_wait != ClientWait::none) {
        return "refused: waits for its client";
    }
    return seen.in_sync_rep ? "refused: committing" : nullptr;
}

// Runs `attempt` until it has something to say.
template <class Attempt>
Outcome insist(Outcome otherwise, Attempt attempt) {
    for (int i = 0; i < kAttempts; i++) {
        if (const Outcome outcome = attempt()) {
            return outcome;
        }
        pg_usleep(kBetweenAttempts * 1000);
    }
    return otherwise;
}

}  // namespace

bool is_idle(State state) {
    return state == State::idle || state == State::idle_in_transaction ||
           state == State::idle_in_transaction_aborted;
}

bool same_period(const BackendState& a, const BackendState& b) {
    return a.state == b.state && a.state_change == b.state_change;
}

bool has_exited(int number, const SessionId& session) {
    const volatile PGPROC* const proc = GetPGProcByNumber(number);
    return proc->procLatch.owner_pid != session.pid;
}

bool may_act_on(Oid actor, Oid role) {
    if (superuser_arg(role)) {
        return superuser_arg(actor);
    }
    return has_privs_of_role(actor, role) || has_privs_of_role(actor, ROLE_PG_SIGNAL_BACKEND);
}

SessionSlot* find_session(const SessionId& id, SessionIdentity& identity) {
    for (int i = 0; i < shared()->slots; i++) {
        SessionSlot* const slot = session_slot(i);
        if ((slot->word.load() & claim::kOpen) != 0 && read_identity(*slot, identity) &&
            identity.id == id) {
            return slot;
        }
    }
    return nullptr;
}

Outcome attempt_end(SessionSlot* slot, const SessionIdentity& target, const Judged& judged,
                    const Motive& motive) {
    if (is_idle(judged.backend.state) && judged.backend.client_wait == ClientWait::none) {
        return nullptr;  // just come to rest, or just woken
    }
    const uint16_t note = write_note(motive);
    const auto look_again = [&] { return still_as_judged(slot, target, judged.backend); };
    const Outcome outcome = claim_and_signal(slot, target, [&] {
        return claim::claim_idle(slot->word, judged.word, note, look_again, debug_stop_after);
    });
    return outcome == kWokeUp && still_lasts(slot, target, judged.backend) ? nullptr : outcome;
}

Outcome attempt_cancel(SessionSlot* slot, const SessionIdentity& target,
                       const BackendState& judged) {
    const ProcessHandle process(target.id.pid);
    const uint64_t word = slot->word.load();
    BackendState seen{};
    Outcome outcome = nullptr;
    if ((word & claim::kOpen) == 0 || !read_backend_state(number_of(slot), target, seen)) {
        outcome = kGone;
    } else if (!same_period(seen, judged)) {
        outcome = kTooLate;
    } else {
        outcome = refuse_cancel(seen);
    }
    // Its statement has ended, when the answer is on its way.
    if (outcome != nullptr || slot->ended_message.get() == seen.query_start) {
        process.close();
        return outcome;
    }
    debug_stop("judged");
    const auto still_runs = [&] {
        BackendState now{};
        return read_backend_state(number_of(slot), target, now) && same_period(now, judged) &&
               !now.in_sync_rep;
    };
    const claim::Result result = claim::flag_cancel(slot->word, word, still_runs, debug_stop_after);
    if (result == claim::Result::won) {
        const bool sent = process.send_to_group(SIGINT);
        debug_stop("signalled");
        claim::finish_cancel(slot->word);
        outcome = sent ? kStillRunning : kGone;
    }
    process.close();
    if (outcome != nullptr || result == claim::Result::busy) {
        return outcome;
    }
    if (result == claim::Result::woke_up) {
        // The word moves within a command too, between analysis and execution.
        return still_runs() ? nullptr : kTooLate;
    }
    return outcome_of(result, slot, target);
}

Outcome end_session(SessionSlot* slot, const SessionIdentity& target, const Motive& motive,
                    bool force) {
    if (slot == my_slot) {
        return kOwnSession;
    }
    return insist(kWokeUp, [&] {
        return force ? try_any(slot, target, motive) : try_idle(slot, target, motive);
    });
}

Outcome cancel_statement(SessionSlot* slot, const SessionIdentity& target, BackendState& command) {
    if (slot == my_slot) {
        return kOwnSession;
    }
    return insist(kTooLate, [&] {
        return read_backend_state(number_of(slot), target, command)
                   ? attempt_cancel(slot, target, command)
                   : kGone;
    });
}

Outcome await_exit(const SessionSlot* slot, const SessionIdentity& target) {
    for (long waited = 0; waited < kPatience; waited += kLookEvery) {
        if (has_exited(number_of(slot), target.id)) {
            return kEnded;
        }
        sleep_ms(kLookEvery);
    }
    return kStillExiting;
}

Outcome await_cancel(const SessionSlot* slot, const SessionIdentity& target,
                     const BackendState& command) {
    for (long waited = 0; waited < kPatience; waited += kLookEvery) {
        BackendState now{};
        if (!read_backend_state(number_of(slot), target, now) || !same_period(now, command)) {
            return kCancelled;
        }
        sleep_ms(kLookEvery);
    }
    return kStillRunning;
}

}  // namespace leash
