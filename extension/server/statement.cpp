#include "server/statement.h"

#include "server/clock.h"
#include "server/session.h"
#include "server/settings.h"

#include "core/secrets.h"

extern "C" {
#include "executor/instrument.h"
#include "utils/guc.h"
}

namespace leash {
namespace {

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
    TimestampTz xact;      // start of the transaction seen last
    uint64_t xact_begun;   // ns
    bool used_in_xact;
    TimestampTz opener;  // transaction whose opener is stored
    bool opener_neutral;
    StatementText text;        // valid within the message that it came with:
    TimestampTz text_message;  // its stamp
    uint64_t query_id;
    uint64_t recorded;  // slow record of the statement that ended last, 0: none
    int64_t shared_blks_hit;
    int64_t shared_blks_read;
    int64_t temp_blks_written;
    uint64_t wal_bytes;
};

Current current;
MessageClock message_clock;

constexpr uint64_t kAll = ~uint64_t{0};

// What the time since the last command was, when a new message has come.
Gap classify_gap(TimestampTz message, TimestampTz xact) {
    if (xact >= message) {
        return Gap::idle;  // the transaction began with this message
    }
    return IsTransactionBlock() ? Gap::in_transaction : Gap::active;
}

void snapshot_usage() {
    current.shared_blks_hit = pgBufferUsage.shared_blks_hit;
    current.shared_blks_read = pgBufferUsage.shared_blks_read;
    current.temp_blks_written = pgBufferUsage.temp_blks_written;
    current.wal_bytes = pgWalUsage.wal_bytes;
}

// Accounts for the time up to now, and notes when the command began.
void arrive(TimestampTz message) {
    const uint64_t now = monotonic_ns();
    const TimestampTz xact = GetCurrentTransactionStartTimestamp();
    Ledger& ledger = my_slot->ledger;
    if (unlikely(!current.observed)) {
        ledger.skip(now);
        current.observed = true;
        current.carried = 0;
    }
    if (message == current.message) {
        current.begun = ledger.arrive(now, kAll, Gap::active) - current.carried;
    } else {
        const Gap gap = classify_gap(message, xact);
        if (gap == Gap::idle) {
            current.carried = 0;
        }
        current.begun =
            ledger.arrive(now, message_clock.age_ns(message, now), gap) - current.carried;
        current.message = message;
    }
    current.carried = 0;
    if (xact != current.xact) {
        current.xact = xact;
        current.xact_begun = current.begun;
    }
    current.used_in_xact = true;
}

// The owner's step of the claim, once per message: what was claimed while the
// session waited for this message must not run.
void refuse_if_claimed(TimestampTz message) {
    if (message == current.checked) {
        return;
    }
    current.checked = message;
    if (claim::start(my_slot->word)) {
        end_claimed_session();
    }
}

// The owner's step at the end of a statement: a cancel that is on its way hits this
// message or none.  From here on, PostgreSQL still reports the message as active
// until it is answered, but there is nothing left in it to cancel.
void settle_cancel(TimestampTz message) {
    my_slot->ended_message.set(message);
    if (claim::end(my_slot->word)) {
        receive_signals(claim::kCancelInFlight);
    }
}

bool is_slow(uint64_t duration) {
    const int threshold = settings::slow_statement_threshold;
    return threshold >= 0 && duration >= static_cast<uint64_t>(threshold) * 1'000'000;
}

pg_noinline void record(const StatementText& text, uint64_t duration, uint64_t query_id,
                        uint64_t rows, int sqlstate) {
    const SlowFacts facts = {duration,
                             query_id,
                             rows,
                             pgBufferUsage.shared_blks_hit - current.shared_blks_hit,
                             pgBufferUsage.shared_blks_read - current.shared_blks_read,
                             pgBufferUsage.temp_blks_written - current.temp_blks_written,
                             pgWalUsage.wal_bytes - current.wal_bytes,
                             sqlstate,
                             current.is_secret};
    current.recorded = record_slow_statement(text, facts);
    my_slot->slow_statements.add(1);
}

// Keeps the statement that opened the transaction: the first one that is more than
// BEGIN or SET, and until that comes, the first.
pg_noinline void store_opener(const StatementText& text) {
    Opener& opener = my_slot->opener;
    const TextSpan span = span_of(text);
    my_slot->opener_changes.begin_write();
    opener.xact_start = current.xact;
    opener.begun = current.xact_begun;
    if (current.is_secret || (current.is_utility && current.use == Use::use &&
                              may_carry_secret(span.begin, span.length))) {
        static const char kHidden[] = "<not stored: could carry a password>";
        store_text(opener.text, {kHidden, sizeof kHidden - 1});
    } else {
        store_text(opener.text, span);
    }
    my_slot->opener_changes.end_write();
    current.opener = current.xact;
    current.opener_neutral = current.use == Use::neutral;
}

void statement_opens(TimestampTz message) {
    current.open = true;
    current.is_utility = false;
    current.is_secret = current.secret == message;
    current.use = Use::neutral;
    current.recorded = 0;
    current.analyzed = 0;
    if (likely(settings::track)) {
        arrive(message);
        snapshot_usage();
    } else {
        current.observed = false;
    }
}

// The statement is over, in whatever way.
void close_statement(const StatementText& text, uint64_t query_id, uint64_t rows, int sqlstate) {
    current.open = false;
    settle_cancel(current.checked);
    if (unlikely(!current.observed)) {
        return;
    }
    const uint64_t now = monotonic_ns();
    my_slot->ledger.depart(now);
    if (current.use == Use::use) {
        my_slot->last_use.set(now);
    }
    const uint64_t duration = now - current.begun;
    if (unlikely(is_slow(duration))) {
        record(text, duration, query_id, rows, sqlstate);
    }
    if ((current.opener != current.xact ||
         (current.opener_neutral && current.use != Use::neutral)) &&
        IsTransactionBlock()) {
        store_opener(text);
    }
}

// Text for what ended after its plan was gone: PostgreSQL's own copy.
StatementText activity_text() {
    return {pgstat_track_activities ? MyBEEntry->st_activity_raw : nullptr, -1, 0};
}

// What was thought to have ended went on until now: its commit, mostly.
void statement_went_on() {
    if (!current.observed) {
        return;
    }
    const uint64_t now = monotonic_ns();
    my_slot->ledger.depart(now);
    const uint64_t duration = now - current.begun;
    if (current.recorded != 0) {
        amend_slow_statement(current.recorded, duration, current.sqlstate);
    } else if (is_slow(duration)) {
        record(activity_text(), duration, pgstat_get_my_query_id(), 0, current.sqlstate);
    }
}

}  // namespace

void statements_begin() {
    current = {};
    current.observed = settings::track;
}

void statement_analyzed(bool secret) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    refuse_if_claimed(message);
    if ((my_slot->word.load() & claim::kCancelInFlight) != 0) {
        receive_signals(claim::kCancelInFlight);  // a Parse message has no other end
    }
    if (secret) {
        statement_is_secret();
    }
    if (!settings::track || current.open) {
        return;
    }
    arrive(message);
    const uint64_t now = monotonic_ns();
    my_slot->ledger.depart(now);
    current.carried = now - current.begun;
    current.analyzed = message;
}

void statement_planned(const StatementText& text, uint64_t query_id) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    if (message != current.message || message == current.analyzed) {
        statement_begins(text, query_id);
    }
}

void statement_begins(const StatementText& text, uint64_t query_id) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    refuse_if_claimed(message);
    current.text = text;
    current.text_message = message;
    current.query_id = query_id;
    if (current.open) {
        current.message = message;  // Bind opened it, Execute goes on
        return;
    }
    current.sqlstate = 0;
    my_slot->ended_message.set(0);
    statement_opens(message);
}

void fastpath_call_begins() {
    statement_begins({nullptr, -1, 0}, 0);
    statement_counts(Use::use, false);
    if (IsTransactionBlock() && current.open) {
        current.open = false;
        if (current.observed) {
            my_slot->ledger.depart(monotonic_ns());
        }
    }
}

void statement_counts(Use use, bool is_utility) {
    if (!current.observed) {
        return;
    }
    current.use = use;
    current.is_utility = is_utility;
    my_slot->statements.add(1);
    if (use == Use::use) {
        my_slot->uses.add(1);
    }
}

void statement_is_secret() {
    current.is_secret = true;
    current.secret = GetCurrentStatementStartTimestamp();
    my_slot->secret_start.set(current.secret);
}

void statement_ends(const StatementText& text, uint64_t query_id, uint64_t rows) {
    if (current.open) {
        close_statement(text, query_id, rows, 0);
    }
}

void statement_fails(int sqlstate) {
    current.sqlstate = sqlstate;
}

void error_leaves() {
    if (!current.open) {
        settle_cancel(GetCurrentStatementStartTimestamp());
    }
}

void transaction_ends(bool wrote) {
    if (unlikely(current.open)) {
        close_statement(activity_text(), current.query_id, 0, 0);
    } else if (wrote && current.used_in_xact) {
        statement_went_on();
    }
    transaction_ends_within();
}

void message_fails() {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    error_leaves();
    if (!current.open && message != current.message) {
        statement_opens(message);  // it failed before any hook saw it
    }
    if (current.open) {
        const bool known = current.text_message == message;
        current.checked = message;
        close_statement(known ? current.text : activity_text(), known ? current.query_id : 0, 0,
                        current.sqlstate);
    } else if (current.sqlstate != 0) {
        statement_went_on();  // a deferred trigger failed, say
    }
    current.sqlstate = 0;
}

void transaction_ends_within() {
    if (current.used_in_xact) {
        my_slot->transactions.add(1);
        current.used_in_xact = current.open;  // CALL goes on in a new one
    }
}

}  // namespace leash
