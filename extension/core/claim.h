// The claim: how a session is ended, or its statement cancelled, without a race.
//
// One 64-bit word per session slot.  The owner (the session's backend) moves the
// epoch on at every start and end of a statement; a reaper may only act by
// swapping exactly the word that it judged.
//
//      63                     24 23        8 7      0
//     +-------------------------+-----------+--------+
//     |          epoch          |   note    | flags  |
//     +-------------------------+-----------+--------+
//
//   epoch  counts starts, ends, logins and exits in this slot; never reset.
//   note   says which reaper's note holds the reason (valid with kClaimed).
//
// Who writes: the owner adds to the epoch and sets kOpen, kCommitting, kExiting;
// reapers set and clear kUndecided, kClaimed, kInFlight, kCancelInFlight and note.
//
// The order of events of a reap (numbers as in the tests):
//   1. read the word, then PostgreSQL's state of that session, and judge;
//   2. swap the word read into the same word + kUndecided + kInFlight;
//   3. read PostgreSQL's state again; if it is another idle period, withdraw;
//   4. add kClaimed; it fails if the owner moved the epoch;
//   5. read PostgreSQL's state a last time; if it is another period, withdraw;
//      else clear kUndecided: it is decided;
//   6. signal, and clear kInFlight.
// Between 2 and 6 there is no lock, no allocation and no interrupt check.
//
// Every operation is sequentially consistent.  A command that PostgreSQL reported
// before step 4 is therefore seen in step 5, wherever it is on its way to its start.
// An owner that starts a statement between 2 and 4 makes 4 fail; between 4 and 5 it
// waits for the decision (confirmed()); after 5 it is refused.
//
// `Atomic` has load(), store(v), fetch_add(v), fetch_or(v), fetch_and(v) and
// compare_exchange(expected&, desired), all sequentially consistent; the server
// passes pg_atomic_uint64 in a wrapper, the tests std::atomic and a model checker's.
#pragma once

#include <cstdint>

namespace leash::claim {

inline constexpr uint64_t kUndecided = 1u << 0;       // a reaper is making up its mind
inline constexpr uint64_t kClaimed = 1u << 1;         // no statement starts any more
inline constexpr uint64_t kInFlight = 1u << 2;        // a termination may be on its way
inline constexpr uint64_t kCancelInFlight = 1u << 3;  // a cancel may be on its way
inline constexpr uint64_t kCommitting = 1u << 4;      // between PRE_COMMIT and COMMIT
inline constexpr uint64_t kExiting = 1u << 5;         // the backend is on its way out
inline constexpr uint64_t kOpen = 1u << 6;            // a session owns the slot

inline constexpr uint64_t kAnyInFlight = kInFlight | kCancelInFlight;
inline constexpr int kNoteShift = 8;
inline constexpr uint64_t kNoteMask = uint64_t{0xffff} << kNoteShift;
inline constexpr uint64_t kEpochOne = uint64_t{1} << 24;
inline constexpr uint64_t kEpochMask = ~(kEpochOne - 1);

constexpr uint16_t note_of(uint64_t word) {
    return static_cast<uint16_t>((word & kNoteMask) >> kNoteShift);
}

constexpr uint64_t with_note(uint64_t word, uint16_t note) {
    return (word & ~kNoteMask) | (uint64_t{note} << kNoteShift);
}

// What an attempt came to.
enum class Result : uint8_t {
    won,         // claimed, or flagged for cancel: signal now, then finish_*()
    woke_up,     // the session moved on between judgement and claim
    busy,        // another reaper is at it: judge again
    taken,       // another reaper has claimed it already
    committing,  // it is writing its commit, or waits for a standby
    gone,        // it is exiting, or the slot is empty
};

// ---- the owner's side ------------------------------------------------------

// A session takes the slot.  Nobody else writes while kOpen is clear.
template <class Atomic>
void open(Atomic& word) {
    word.store(((word.load() & kEpochMask) + kEpochOne) | kOpen);
}

// A statement starts.  True: the session is claimed and, if confirmed(), must end
// before it runs anything.  What is undecided and not claimed yet is undone by the
// step of the epoch alone.
template <class Atomic>
[[nodiscard]] bool start(Atomic& word) {
    return (word.fetch_add(kEpochOne) & kClaimed) != 0;
}

// Waits until a claim that was met is decided; false when it was withdrawn.
template <class Atomic, class Pause>
[[nodiscard]] bool confirmed(Atomic& word, Pause pause) {
    uint64_t now = word.load();
    while ((now & kUndecided) != 0) {
        pause();
        now = word.load();
    }
    return (now & kClaimed) != 0;
}

// A statement ends.  True: a cancel meant for it is on its way; the owner calls
// await_signals() so that it cannot hit the next statement.
template <class Atomic>
[[nodiscard]] bool end(Atomic& word) {
    return (word.fetch_add(kEpochOne) & kCancelInFlight) != 0;
}

// The commit record is about to be written: from here to committed() no reaper
// signals.  True: a signal is on its way; the owner calls await_signals() and
// takes it before it commits, since in synchronous replication a signal would
// acknowledge a transaction that no standby has.
template <class Atomic>
[[nodiscard]] bool committing(Atomic& word) {
    return (word.fetch_or(kCommitting) & kAnyInFlight) != 0;
}

template <class Atomic>
void committed(Atomic& word) {
    word.fetch_and(~kCommitting);
}

// Waits until no reaper can still signal this process; `pause` is called between
// looks.  A signal sent before is pending when this returns: one system call more
// delivers it.
template <class Atomic, class Pause>
void await_signals(Atomic& word, uint64_t flags, Pause pause) {
    while ((word.load() & flags) != 0) {
        pause();
    }
}

// The backend leaves.  After this returns nobody else writes the word, and the
// process id may be given back.
template <class Atomic, class Pause>
void close(Atomic& word, Pause pause) {
    word.fetch_or(kExiting);
    await_signals(word, kAnyInFlight, pause);
    word.store((word.load() & kEpochMask) + kEpochOne);
}

// ---- the reaper's side -----------------------------------------------------

constexpr bool is_leaving(uint64_t seen) {
    return (seen & (kOpen | kExiting)) != kOpen;
}

// Whether a claim could be tried on this word at all; Result::won means yes.
constexpr Result claimable(uint64_t seen) {
    if (is_leaving(seen)) {
        return Result::gone;
    }
    if ((seen & kUndecided) != 0) {
        return Result::busy;
    }
    if ((seen & kClaimed) != 0) {
        return Result::taken;
    }
    if ((seen & kAnyInFlight) != 0) {
        return Result::busy;
    }
    if ((seen & kCommitting) != 0) {
        return Result::committing;
    }
    return Result::won;
}

// Gives an undecided claim back.  Only the reaper that set kInFlight clears it,
// and no other can have set kUndecided meanwhile.  Returns what to say: `why`, or
// that the session is on its way out.
template <class Atomic>
Result withdraw(Atomic& word, Result why) {
    const uint64_t before = word.fetch_and(~(kUndecided | kClaimed | kInFlight));
    return is_leaving(before) ? Result::gone : why;
}

// Steps 2 to 5 for an idle session.  `seen` was read before the judgement;
// `look_again` tells whether PostgreSQL still reports the idle period judged.
// `point(n)` is called after step n: where the tests stop a reaper.
template <class Atomic, class Look, class Point>
[[nodiscard]] Result claim_idle(Atomic& word, uint64_t seen, uint16_t note, Look look_again,
                                Point point) {
    if (const Result possible = claimable(seen); possible != Result::won) {
        return possible;
    }
    const uint64_t undecided = with_note(seen, note) | kUndecided | kInFlight;
    uint64_t expected = seen;
    if (!word.compare_exchange(expected, undecided)) {
        return is_leaving(expected) ? Result::gone : Result::woke_up;
    }
    point(2);
    if (!look_again()) {
        return withdraw(word, Result::woke_up);
    }
    point(3);
    expected = undecided;
    if (!word.compare_exchange(expected, undecided | kClaimed)) {
        return withdraw(word, Result::woke_up);
    }
    point(4);
    if (!look_again()) {
        return withdraw(word, Result::woke_up);
    }
    word.fetch_and(~kUndecided);
    point(5);
    return Result::won;
}

// The same for a session in whatever state ("force"): the epoch may move under
// the claim, identity and replication waits may not.  `look_again` returns
// Result::won when the session may still be ended.
template <class Atomic, class Look, class Point>
[[nodiscard]] Result claim_any(Atomic& word, uint16_t note, Look look_again, Point point) {
    uint64_t current = word.load();
    for (;;) {
        if (const Result possible = claimable(current); possible != Result::won) {
            return possible;
        }
        if (word.compare_exchange(current, with_note(current, note) | kUndecided | kInFlight)) {
            break;
        }
    }
    point(2);
    if (const Result still = look_again(); still != Result::won) {
        return withdraw(word, still);
    }
    point(3);
    current = word.load();
    for (;;) {
        if ((current & (kExiting | kCommitting)) != 0) {
            return withdraw(word, Result::committing);
        }
        if (word.compare_exchange(current, (current & ~kUndecided) | kClaimed)) {
            break;
        }
    }
    point(5);
    return Result::won;
}

// Step 6's end: the signal has been sent.
template <class Atomic>
void finish_claim(Atomic& word) {
    word.fetch_and(~kInFlight);
}

// Flags a cancel for the statement that is running.  `seen` was read before the
// judgement; `look_again` tells whether PostgreSQL still reports the same command.
// won: signal, then finish_cancel().
template <class Atomic, class Look, class Point>
[[nodiscard]] Result flag_cancel(Atomic& word, uint64_t seen, Look look_again, Point point) {
    if (const Result possible = claimable(seen); possible != Result::won) {
        return possible;
    }
    uint64_t expected = seen;
    if (!word.compare_exchange(expected, seen | kCancelInFlight)) {
        return is_leaving(expected) ? Result::gone : Result::woke_up;
    }
    point(2);
    if (!look_again()) {
        word.fetch_and(~kCancelInFlight);
        return Result::woke_up;
    }
    point(5);
    return Result::won;
}

template <class Atomic>
void finish_cancel(Atomic& word) {
    word.fetch_and(~kCancelInFlight);
}

}  // namespace leash::claim
