// The part of statement.h that every statement pays for, inline; bench/hot_path
// counts its instructions.  Included by the hooks alone.
#pragma once

#include "server/clock.h"
#include "server/session.h"
#include "server/settings.h"
#include "server/statement.h"

extern "C" {
#include "executor/instrument.h"
#include "libpq/libpq.h"
#include "tcop/tcopprot.h"
}

namespace leash {

// What only this backend needs to know; everything shared is in its slot.
// First what every statement touches.
struct Current {
    bool open;
    bool in_block;         // it arrived in a transaction block
    bool used_in_xact;     // some statement ran in the transaction
    bool may_be_in_block;  // a block was begun or ended, or failed: PostgreSQL must be asked
    bool observed;         // false after a time with pg_leash.track = off
    bool planned;          // a portal waits to be executed: the carried time is its
    Use use;
    Use plan_use;
    const void* plan;     // what the last plan was judged to be
    uint64_t plan_query;  // its query id
    TimestampTz message;  // stamp of the last message that reached a hook
    uint64_t begun;       // ns
    uint64_t carried;     // ns that analysis took, in the same message or one before
    int64_t shared_blks_hit;
    int64_t shared_blks_read;
    int64_t temp_blks_written;
    uint64_t wal_bytes;
    StatementText text;  // where it is one of several in its message, else null

    TimestampTz analyzed;  // stamp of the message whose statement was analyzed, not begun
    TimestampTz fastpath;  // stamp of the last message that was a fast-path call
    TimestampTz secret;    // stamp of the last message whose text is not to be shown
    uint64_t reported;     // ns; when the last message in a block was received, and
    int64_t active;        // pgStatActiveTime then
    Oid function;          // that the last fast-path call is of; 0: it was dealt with
    int sqlstate;          // of the last error, 0: none
    TimestampTz opener;    // start of the transaction whose opener is stored
    bool opener_neutral;
    uint64_t recorded;        // the last slow record, and
    uint64_t recorded_begun;  // when its statement began
};

extern LEASH_HIDDEN Current current;
extern LEASH_HIDDEN MessageClock message_clock;

// What is rare, out of line.
void resume_observing();
void note_report(uint64_t received);
void arrive_again(uint64_t now);
void arrive_in_transaction(uint64_t now, uint64_t lead);
void record_slow(StatementText text, uint64_t duration, uint64_t query_id, uint64_t rows,
                 int sqlstate);
void keep_opener(StatementText text, bool is_utility);

// The owner's step of the claim, once per message: what was claimed while the
// session waited for this message must not run.
// Returns whether this message has been here before.
inline bool refuse_if_claimed(SessionSlot* slot, TimestampTz message) {
    if (unlikely(message == current.message)) {
        return true;
    }
    current.message = message;
    current.text.source = nullptr;
    if (unlikely(claim::start(slot->word))) {
        end_claimed_session();
    }
    return false;
}

// The owner's step at the end of a statement: a cancel that is on its way hits this
// message or none.  From here on, PostgreSQL still reports the message as active
// until it is answered, but there is nothing left in it to cancel.
inline void settle_cancel(SessionSlot* slot, TimestampTz message) {
    slot->ended_message.set(message);
    if (unlikely(claim::end(slot->word))) {
        receive_signals(claim::kCancelInFlight);
    }
}

// Accounts for the time up to now, and notes when the command began: with the message
// stamped `arrival` (Bind's, for Execute), or in the middle of the current one.  Returns
// the time that it took for now.
pg_attribute_always_inline uint64_t arrive(SessionSlot* slot, bool again, TimestampTz arrival) {
    const uint64_t now = monotonic_ns();
    if (unlikely(again)) {
        arrive_again(now);
    } else {
        const uint64_t lead = message_clock.age_ns(arrival, now);
        // One look at both: "||" would be a jump for each.
        const bool in_transaction = current.used_in_xact | current.may_be_in_block;
        if (likely(!in_transaction && current.carried == 0)) {
            const uint64_t since = slot->ledger.since();
            current.begun = slot->ledger.arrive(now, lead, Gap::idle);
            slot->idle_gaps.add(current.begun - since);
            return now;
        }
        arrive_in_transaction(now, lead);
    }
    current.carried = 0;
    return now;
}

pg_attribute_always_inline void statement_opens(SessionSlot* slot, bool again,
                                                TimestampTz arrival) {
    current.open = true;
    current.in_block = false;
    if (unlikely(!current.observed)) {
        resume_observing();
        if (!current.observed) {
            current.used_in_xact = true;
            return;
        }
    }
    arrive(slot, again, arrival);
    current.used_in_xact = true;
    current.shared_blks_hit = pgBufferUsage.shared_blks_hit;
    current.shared_blks_read = pgBufferUsage.shared_blks_read;
    current.temp_blks_written = pgBufferUsage.temp_blks_written;
    current.wal_bytes = pgWalUsage.wal_bytes;
}

// `message` is the stamp of the message that is handled now, `arrival` that of the
// one that began the statement.  Sets no `use`: the caller knows it.
pg_attribute_always_inline void statement_begins(TimestampTz message, TimestampTz arrival) {
    SessionSlot* const slot = my_slot;
    const bool again = refuse_if_claimed(slot, message);
    if (unlikely(current.open)) {
        return;  // planned by Bind, Execute goes on
    }
    slot->ended_message.set(0);
    statement_opens(slot, again, arrival);
}

// Where it is one of several in its message, its text must be known if it fails.
inline void keep_text(StatementText text) {
    if (unlikely(text.length > 0)) {
        current.text = text;
    }
}

inline void statement_counts() {
    if (likely(current.observed)) {
        my_slot->statements.add(1);
    }
}

// The statement is over, in whatever way.  Returns how long it took, or 0 when that
// is neither slow nor known; the caller records what was slow, and keeps the opener.
pg_attribute_always_inline uint64_t close_statement() {
    SessionSlot* const slot = my_slot;
    current.open = false;
    settle_cancel(slot, current.message);
    if (unlikely(!current.observed)) {
        current.in_block = false;
        return 0;
    }
    const uint64_t now = monotonic_ns();
    slot->ledger.depart(now);
    if (likely(current.use == Use::use)) {
        slot->uses.add(1);
        slot->last_use.set(now);
    }
    const uint64_t duration = now - current.begun;
    slot->latencies.add(duration);
    return likely(duration < settings::slow_statement_ns) ? 0 : Max(duration, 1);
}

// At a commit: it is done for a Sync, and what the statement had to say was flushed
// before.  So the client took its time; the session was active until then, though not
// because of the statement.
inline bool synced_late() {
    return debug_query_string == nullptr && !pq_is_send_pending();
}

inline void transaction_ends_within() {
    if (current.used_in_xact) {
        my_slot->transactions.add(1);
        current.used_in_xact = current.open;  // CALL goes on in a new one
    }
}

}  // namespace leash
