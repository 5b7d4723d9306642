// The part of statement.h that every statement pays for, inline; bench/hot_path
// counts its instructions.  Included by the hooks alone.
#pragma once

#include "server/clock.h"
#include "server/session.h"
#include "server/settings.h"
#include "server/statement.h"

extern "C" {
#include "executor/instrument.h"
}

namespace leash {

// What only this backend needs to know; everything shared is in its slot.
struct Current {
    bool open;
    bool observed;  // false after a time with pg_leash.track = off
    bool is_utility;
    bool is_secret;  // its text is not to be stored
    Use use;
    int sqlstate;          // of the last error, 0: none
    TimestampTz message;   // stamp of the last message that reached a hook
    TimestampTz checked;   // stamp of the last message for which the claim was checked
    TimestampTz analyzed;  // stamp of the message whose statement was analyzed, not begun
    TimestampTz secret;    // stamp of the last message whose text is not to be shown
    uint64_t begun;        // ns
    uint64_t carried;      // ns that analysis took, in the same message or one before
    bool used_in_xact;
    bool in_block;       // it arrived in a transaction block
    TimestampTz opener;  // start of the transaction whose opener is stored
    bool opener_neutral;
    const void* plan;     // what the last plan was judged to be
    uint64_t plan_query;  // its query id
    Use plan_use;
    StatementText text;  // null after the message that it came with
    uint64_t query_id;
    uint64_t recorded;  // slow record of the statement that ended last, 0: none
    int64_t shared_blks_hit;
    int64_t shared_blks_read;
    int64_t temp_blks_written;
    uint64_t wal_bytes;
};

extern LEASH_HIDDEN Current current;
extern LEASH_HIDDEN MessageClock message_clock;

// What is rare, out of line.
void resume_observing(uint64_t now);
void arrive_again(uint64_t now);
void arrive_in_transaction(uint64_t now, uint64_t lead);
void record_slow(StatementText text, uint64_t duration, uint64_t query_id, uint64_t rows,
                 int sqlstate);
void keep_opener(StatementText text);

// The owner's step of the claim, once per message: what was claimed while the
// session waited for this message must not run.
inline void refuse_if_claimed(TimestampTz message) {
    if (message != current.checked) {
        current.checked = message;
        current.text.source = nullptr;
        if (unlikely(claim::start(my_slot->word))) {
            end_claimed_session();
        }
    }
}

// The owner's step at the end of a statement: a cancel that is on its way hits this
// message or none.  From here on, PostgreSQL still reports the message as active
// until it is answered, but there is nothing left in it to cancel.
inline void settle_cancel(TimestampTz message) {
    my_slot->ended_message.set(message);
    if (unlikely(claim::end(my_slot->word))) {
        receive_signals(claim::kCancelInFlight);
    }
}

// Accounts for the time up to now, and notes when the command began: `message` is
// the one that is handled now, `arrival` the one that began it (Bind, for Execute).
inline void arrive(TimestampTz message, TimestampTz arrival) {
    const uint64_t now = monotonic_ns();
    if (unlikely(!current.observed)) {
        resume_observing(now);
    }
    if (unlikely(message == current.message)) {
        arrive_again(now);
    } else {
        const uint64_t lead = message_clock.age_ns(arrival, now);
        current.message = message;
        current.in_block = false;
        if (GetCurrentTransactionStartTimestamp() >= arrival) {  // it began with this command
            current.begun = my_slot->ledger.arrive(now, lead, Gap::idle);
        } else {
            arrive_in_transaction(now, lead);
        }
    }
    current.carried = 0;
    current.used_in_xact = true;
}

inline void statement_opens(TimestampTz message, TimestampTz arrival) {
    current.open = true;
    current.is_utility = false;
    current.use = Use::neutral;
    current.is_secret = current.secret == message;
    current.recorded = 0;
    current.analyzed = 0;
    if (likely(settings::track)) {
        arrive(message, arrival);
        current.shared_blks_hit = pgBufferUsage.shared_blks_hit;
        current.shared_blks_read = pgBufferUsage.shared_blks_read;
        current.temp_blks_written = pgBufferUsage.temp_blks_written;
        current.wal_bytes = pgWalUsage.wal_bytes;
    } else {
        current.observed = false;
    }
}

// `arrival` is the stamp of the message that began the statement; one later than
// now's means: this one.
inline void statement_begins(StatementText text, uint64_t query_id, TimestampTz arrival) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    refuse_if_claimed(message);
    current.text = text;
    current.query_id = query_id;
    if (unlikely(current.open)) {
        current.message = message;  // planned by Bind, Execute goes on
        return;
    }
    current.sqlstate = 0;
    my_slot->ended_message.set(0);
    statement_opens(message, Min(arrival, message));
}

inline void statement_counts() {
    if (likely(current.observed)) {
        my_slot->statements.add(1);
    }
}

// The statement is over, in whatever way.
inline void close_statement(StatementText text, uint64_t query_id, uint64_t rows, int sqlstate) {
    current.open = false;
    settle_cancel(current.checked);
    if (unlikely(!current.observed)) {
        return;
    }
    const uint64_t now = monotonic_ns();
    my_slot->ledger.depart(now);
    if (current.use == Use::use) {
        my_slot->uses.add(1);
        my_slot->last_use.set(now);
    }
    const uint64_t duration = now - current.begun;
    if (unlikely(duration >= settings::slow_statement_ns)) {
        record_slow(text, duration, query_id, rows, sqlstate);
    }
    if (unlikely(current.in_block)) {
        keep_opener(text);
    }
}

inline void statement_ends(StatementText text, uint64_t query_id, uint64_t rows) {
    if (current.open) {
        close_statement(text, query_id, rows, 0);
    }
}

inline void transaction_ends_within() {
    if (current.used_in_xact) {
        my_slot->transactions.add(1);
        current.used_in_xact = current.open;  // CALL goes on in a new one
    }
}

}  // namespace leash
