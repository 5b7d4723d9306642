#include "server/reaper.h"

#include "server/backend_state.h"
#include "server/debug_stop.h"
#include "server/lock_facts.h"
#include "server/session.h"
#include "server/signal.h"

extern "C" {
#include "mb/pg_wchar.h"
#include "storage/latch.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr int kAttempts = 20;         // when another reaper, or a mere moment, is in the way
constexpr long kBetweenAttempts = 1;  // ms
constexpr long kLookEvery = 5;        // ms
constexpr long kPatience = 5'000;     // ms, for a session to exit or a statement to end

int number_of(const SessionSlot* slot) {
    return static_cast<int>(slot - session_slot(0));
}

bool is_idle(State state) {
    return state == State::idle || state == State::idle_in_transaction ||
           state == State::idle_in_transaction_aborted;
}

// Writes down who ends a session and why, for the victim to read.
uint16_t write_note(const char* reason) {
    const auto number = static_cast<uint16_t>(pg_atomic_fetch_add_u32(&shared()->next_note, 1));
    char* const role = GetUserNameFromId(GetUserId(), true);
    const char* const why = reason != nullptr ? reason : "";
    const int length = pg_mbcliplen(why, static_cast<int>(strlen(why)), kReasonSize - 1);
    ReapNote* const note = reap_note(number);
    note->changes.begin_write();
    note->number = number;
    note->encoding = GetDatabaseEncoding();
    strlcpy(note->by, role != nullptr ? role : "", sizeof note->by);
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

// Gone from the process array: its PGPROC belongs to nobody or to another process.
bool is_gone(const SessionSlot* slot, const SessionIdentity& target) {
    const volatile PGPROC* const proc = GetPGProcByNumber(number_of(slot));
    return proc->procLatch.owner_pid != target.id.pid;
}

Outcome await_exit(const SessionSlot* slot, const SessionIdentity& target) {
    for (long waited = 0; waited < kPatience; waited += kLookEvery) {
        if (is_gone(slot, target)) {
            return kEnded;
        }
        sleep_ms(kLookEvery);
    }
    return kStillExiting;
}

bool is_there(const SessionSlot* slot, const SessionIdentity& target) {
    BackendState ignored{};
    return read_backend_state(number_of(slot), target, ignored);
}

Outcome outcome_of(claim::Result result, const SessionSlot* slot, const SessionIdentity& target) {
    switch (result) {
        case claim::Result::committing:
            return "refused: committing";
        case claim::Result::gone:
        case claim::Result::taken:
            return kGone;
        default:
            // The word moves on also when another session takes the slot.
            return is_there(slot, target) ? kWokeUp : kGone;
    }
}

// Why an idle session must not be ended without force; null when it may.
Outcome refuse_idle(const SessionSlot* slot, const SessionIdentity& target,
                    const BackendState& seen) {
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

// One attempt; null means: look again in a moment.
Outcome try_idle(SessionSlot* slot, const SessionIdentity& target, const ProcessHandle& process,
                 uint16_t note) {
    const uint64_t word = slot->word.load();
    BackendState seen{};
    if ((word & claim::kOpen) == 0 || !read_backend_state(number_of(slot), target, seen)) {
        return kGone;
    }
    if (const Outcome refusal = refuse_idle(slot, target, seen)) {
        return refusal;
    }
    if (seen.client_wait != ClientWait::read) {
        return nullptr;  // just come to rest, or just woken
    }
    debug_stop("judged");
    const auto same_idle_period = [&] {
        BackendState now{};
        return read_backend_state(number_of(slot), target, now) && now.state == seen.state &&
               now.state_change == seen.state_change && now.client_wait == ClientWait::read &&
               !now.in_sync_rep;
    };
    const claim::Result result =
        claim::claim_idle(slot->word, word, note, same_idle_period, debug_stop_after);
    if (result == claim::Result::busy) {
        return nullptr;
    }
    if (result != claim::Result::won) {
        return outcome_of(result, slot, target);
    }
    const bool sent = process.send(SIGTERM);
    claim::finish_claim(slot->word);
    return sent ? kEnded : kGone;
}

Outcome try_any(SessionSlot* slot, const SessionIdentity& target, const ProcessHandle& process,
                uint16_t note) {
    const auto may_be_ended = [&] {
        BackendState now{};
        if (!read_backend_state(number_of(slot), target, now)) {
            return claim::Result::gone;
        }
        return now.in_sync_rep ? claim::Result::committing : claim::Result::won;
    };
    if (const claim::Result before = may_be_ended(); before != claim::Result::won) {
        return outcome_of(before, slot, target);
    }
    debug_stop("judged");
    const claim::Result result = claim::claim_any(slot->word, note, may_be_ended, debug_stop_after);
    if (result == claim::Result::busy) {
        return nullptr;
    }
    if (result != claim::Result::won) {
        return outcome_of(result, slot, target);
    }
    const bool sent = process.send(SIGTERM);
    claim::finish_claim(slot->word);
    return sent ? kEnded : kGone;
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

// The same command still runs, as far as PostgreSQL can tell.
bool same_command(const BackendState& a, const BackendState& b) {
    return a.state == b.state && a.state_change == b.state_change;
}

Outcome try_cancel(SessionSlot* slot, const SessionIdentity& target, const ProcessHandle& process,
                   BackendState& seen) {
    const uint64_t word = slot->word.load();
    if ((word & claim::kOpen) == 0 || !read_backend_state(number_of(slot), target, seen)) {
        return kGone;
    }
    if (const Outcome refusal = refuse_cancel(seen)) {
        return refusal;
    }
    if (slot->ended_message.get() == seen.query_start) {
        return nullptr;  // its statement has ended, the answer is on its way
    }
    debug_stop("judged");
    const auto still_runs = [&] {
        BackendState now{};
        return read_backend_state(number_of(slot), target, now) && same_command(now, seen) &&
               !now.in_sync_rep;
    };
    const claim::Result result = claim::flag_cancel(slot->word, word, still_runs, debug_stop_after);
    if (result == claim::Result::busy) {
        return nullptr;
    }
    if (result == claim::Result::woke_up) {
        // The word moves within a command too, between analysis and execution.
        return still_runs() ? nullptr : kTooLate;
    }
    if (result != claim::Result::won) {
        return outcome_of(result, slot, target);
    }
    const bool sent = process.send_to_group(SIGINT);
    claim::finish_cancel(slot->word);
    return sent ? kCancelled : kGone;
}

Outcome await_end(const SessionSlot* slot, const SessionIdentity& target,
                  const BackendState& seen) {
    for (long waited = 0; waited < kPatience; waited += kLookEvery) {
        BackendState now{};
        if (!read_backend_state(number_of(slot), target, now) || !same_command(now, seen)) {
            return kCancelled;
        }
        sleep_ms(kLookEvery);
    }
    return kStillRunning;
}

}  // namespace

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

Outcome terminate_session(SessionSlot* slot, const SessionIdentity& target, const char* reason,
                          bool force) {
    if (slot == my_slot) {
        return "refused: own session";
    }
    // The handle is opened first and the session looked at after it: the process
    // that the claim finds alive is then the one that the handle names.
    const ProcessHandle process(target.id.pid);
    const uint16_t note = write_note(reason);
    for (int i = 0; i < kAttempts; i++) {
        const Outcome outcome =
            force ? try_any(slot, target, process, note) : try_idle(slot, target, process, note);
        if (outcome == kEnded) {
            process.close();
            return await_exit(slot, target);
        }
        if (outcome != nullptr) {
            process.close();
            return outcome;
        }
        pg_usleep(kBetweenAttempts * 1000);
    }
    process.close();
    return kWokeUp;
}

Outcome cancel_statement(SessionSlot* slot, const SessionIdentity& target) {
    if (slot == my_slot) {
        return "refused: own session";
    }
    const ProcessHandle process(target.id.pid);
    Outcome outcome = nullptr;
    BackendState seen{};
    for (int i = 0; i < kAttempts && outcome == nullptr; i++) {
        outcome = try_cancel(slot, target, process, seen);
        if (outcome == nullptr) {
            pg_usleep(kBetweenAttempts * 1000);
        }
    }
    process.close();
    if (outcome == kCancelled) {
        return await_end(slot, target, seen);
    }
    return outcome != nullptr ? outcome : kTooLate;
}

}  // namespace leash
