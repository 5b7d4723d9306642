// Where a session's time went: active, idle, idle in transaction.
//
// The owner calls arrive() when a command begins and depart() when it ends; what
// lies between a departure and the next arrival is a gap.  All times are
// nanoseconds of the monotonic clock.
#pragma once

#include <cstdint>

#include "relaxed.h"

namespace leash {

// What a gap between two commands was.
enum class Gap : uint8_t {
    idle,            // outside a transaction
    in_transaction,  // the transaction was open, the server waited for the client
    active,          // in the middle of a pipeline: PostgreSQL calls it active
};

// What a reader gets: consistent sums up to the moment `since`.
struct LedgerCopy {
    bool whole;      // false: the owner was stopped in the middle of writing
    uint64_t since;  // when the phase began that still lasts; ahead of now if not whole
    bool active;     // whether that phase is a command
    uint64_t active_time;
    uint64_t idle_time;
    uint64_t in_transaction_time;
    uint64_t longest_idle;
};

// Written by the owner alone.  While it writes, `phase` is kWriting; a reader is
// consistent when `phase` was the same, and not kWriting, before and after it
// read the sums.
struct Ledger {
    static constexpr uint64_t kWriting = ~uint64_t{0};

    Relaxed<uint64_t> phase;  // since * 2 + active
    Relaxed<uint64_t> active_time;
    Relaxed<uint64_t> idle_time;
    Relaxed<uint64_t> in_transaction_time;
    Relaxed<uint64_t> longest_idle;

    void open(uint64_t now) {
        active_time.set(0);
        idle_time.set(0);
        in_transaction_time.set(0);
        longest_idle.set(0);
        phase.set(now * 2);
    }

    uint64_t since() const { return phase.value / 2; }
    bool active() const { return (phase.value & 1) != 0; }

    // What happened before now was not observed: it counts nowhere.
    void skip(uint64_t now) { publish(now * 2); }

    // A command was received `lead` ago and is noticed now.  Returns when it began:
    // never before the last departure, whatever the clock that measured the lead did.
    uint64_t arrive(uint64_t now, uint64_t lead, Gap gap) {
        const uint64_t begun = begin_of(now, lead);
        const uint64_t length = begun - since();
        const bool was_active = active();
        hide();
        if (gap == Gap::active || was_active) {
            active_time.add(length);
        } else {
            (gap == Gap::idle ? idle_time : in_transaction_time).add(length);
            if (length > longest_idle.value) {
                longest_idle.set(length);
            }
        }
        publish(begun * 2 + 1);
        return begun;
    }

    // The same in a transaction block, where it is known for how long of the gap the
    // server was busy before it waited for the client: with the end of the last command,
    // or in the middle of a pipeline.
    uint64_t arrive_in_block(uint64_t now, uint64_t lead, uint64_t busy) {
        const uint64_t begun = begin_of(now, lead);
        const uint64_t length = begun - since();
        const uint64_t wait = busy < length ? length - busy : 0;
        hide();
        active_time.add(length - wait);
        in_transaction_time.add(wait);
        if (wait > longest_idle.value) {
            longest_idle.set(wait);
        }
        publish(begun * 2 + 1);
        return begun;
    }

    // The command has ended, or went on until now after it was thought to have ended.
    void depart(uint64_t now) {
        const uint64_t from = since();
        hide();
        if (now > from) {
            active_time.add(now - from);
            publish(now * 2);
        } else {
            publish(from * 2);
        }
    }

    LedgerCopy read() const {
        LedgerCopy copy{};
        for (int tries = 0; tries < 100; tries++) {
            const uint64_t before = __atomic_load_n(&phase.value, __ATOMIC_ACQUIRE);
            copy.since = before / 2;
            copy.active = (before & 1) != 0;
            copy.active_time = active_time.get();
            copy.idle_time = idle_time.get();
            copy.in_transaction_time = in_transaction_time.get();
            copy.longest_idle = longest_idle.get();
            __atomic_thread_fence(__ATOMIC_ACQUIRE);
            if (before != kWriting && phase.get() == before) {
                copy.whole = true;
                return copy;
            }
        }
        // Since a moment that lies ahead nobody has been idle for long.
        copy.since = kWriting / 2;
        copy.active = true;
        return copy;
    }

private:
    uint64_t begin_of(uint64_t now, uint64_t lead) const {
        const uint64_t from = since();
        const uint64_t whole = now > from ? now - from : 0;
        return from + whole - (lead < whole ? lead : whole);
    }
    void hide() {
        phase.set(kWriting);
        __atomic_thread_fence(__ATOMIC_RELEASE);
    }
    // After the sums, so that a reader who sees the new phase sees them too.
    void publish(uint64_t value) { __atomic_store_n(&phase.value, value, __ATOMIC_RELEASE); }
};

}  // namespace leash
