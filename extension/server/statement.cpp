#include "server/statement_path.h"

#include "core/secrets.h"

extern "C" {
#include "utils/guc.h"
}

namespace leash {

LEASH_HOT Current current;
LEASH_HOT MessageClock message_clock;
LEASH_HOT timespec clock_reading;

// In a block, or where one may begin: the message that is handled now was received then.
void note_report(uint64_t received) {
    current.reported = received;
    current.active = pgStatActiveTime;
}

// After a time with pg_leash.track = off, of which nothing is known.
void resume_observing() {
    if (settings::track) {
        const uint64_t now = monotonic_ns();
        my_slot->ledger.skip(now);
        current.observed = true;
        current.carried = 0;
        note_report(now);
    }
}

// The same message: all since the last departure belongs to it.
void arrive_again(uint64_t now) {
    constexpr uint64_t kAll = ~uint64_t{0};
    current.begun = my_slot->ledger.arrive(now, kAll, Gap::active) - current.carried;
    current.in_block = IsTransactionBlock();
}

namespace {

// What stands for the text of a fast-path call, which has none.
StatementText call_text() {
    static char text[64];
    pg_snprintf(text, sizeof text, "<fast-path call of function \"%u\">", current.function);
    return {text, -1, 0};
}

// For how much of the time since the last departure the server was busy, which no hook
// sees.  PostgreSQL counts how long it was active: when it tells the client that it is
// ready, by the time since the last message.  So where the count stands still, the
// client was not told: all of the gap is the middle of a pipeline.  The count is set
// back only outside transactions.
uint64_t busy_in_gap() {
    const int64_t counted = pgStatActiveTime - current.active;
    if (counted <= 0) {
        return ~uint64_t{0};
    }
    const uint64_t ready = current.reported + static_cast<uint64_t>(counted) * 1000;
    const uint64_t since = my_slot->ledger.since();
    return ready > since ? ready - since : 0;
}

// A fast-path call in a block was taken for ended when it began.
void end_call(uint64_t busy, uint64_t received) {
    if (current.function != InvalidOid) {
        const uint64_t since = my_slot->ledger.since();
        const uint64_t ended = since + Min(busy, received - Min(since, received));
        if (ended - current.begun >= settings::slow_statement_ns) {
            record_slow(call_text(), ended - current.begun, 0, 0, 0);
        }
        current.function = InvalidOid;
    }
}

void arrive_in_block(uint64_t now, uint64_t lead, uint64_t own_lead) {
    const uint64_t busy = busy_in_gap();
    const uint64_t received = now - Min(now, own_lead);
    end_call(busy, received);
    current.begun = my_slot->ledger.arrive_in_block(now, lead, busy) - current.carried;
    note_report(received);
}

}  // namespace

// The transaction may have begun before this command: in a block the server waited for the
// client, and a portal may have been bound long before this message executes it; outside
// one it is the middle of a pipeline, or the transaction began with a message that
// reached no hook.
void arrive_in_transaction(uint64_t now, uint64_t lead) {
    constexpr uint64_t kTogether = 1'000'000;
    const uint64_t own_lead = message_clock.age_ns(current.message, now);
    current.in_block = IsTransactionBlock();
    current.may_be_in_block = current.in_block;
    if (current.in_block && lead > own_lead + kTogether) {
        lead = own_lead;
    }
    const Gap gap = current.in_block       ? Gap::in_transaction
                    : current.used_in_xact ? Gap::active
                                           : Gap::idle;
    // What was analyzed and not executed at once was only prepared.
    constexpr uint64_t kAtOnce = 10'000'000;
    if (!current.planned && now - my_slot->ledger.since() > lead + kAtOnce) {
        current.carried = 0;
    }
    if (current.in_block && pgstat_track_activities) {
        arrive_in_block(now, lead, own_lead);
        return;
    }
    const uint64_t since = my_slot->ledger.since();
    const uint64_t begun = my_slot->ledger.arrive(now, lead, gap);
    if (gap == Gap::idle) {
        my_slot->idle_gaps.add(begun - since);
    }
    current.begun = begun - current.carried;
}

void record_slow(StatementText text, uint64_t duration, uint64_t query_id, uint64_t rows,
                 int sqlstate) {
    const SlowFacts facts = {duration,
                             query_id,
                             rows,
                             pgBufferUsage.shared_blks_hit - current.shared_blks_hit,
                             pgBufferUsage.shared_blks_read - current.shared_blks_read,
                             pgBufferUsage.temp_blks_written - current.temp_blks_written,
                             pgWalUsage.wal_bytes - current.wal_bytes,
                             sqlstate,
                             current.secret == current.message,
                             current.message};
    current.recorded = record_slow_statement(text, facts);
    current.recorded_begun = current.begun;
    my_slot->slow_statements.add(1);
}

// Keeps the statement that opened the transaction: the first one that is more than
// BEGIN or SET, and until that comes, the first.
void keep_opener(StatementText text, bool is_utility) {
    Opener& opener = my_slot->opener;
    const TimestampTz xact = GetCurrentTransactionStartTimestamp();
    if ((current.opener == xact && !(current.opener_neutral && current.use != Use::neutral)) ||
        !IsTransactionBlock()) {
        return;
    }
    const TextSpan span = span_of(text);
    my_slot->opener_changes.begin_write();
    if (current.opener != xact) {
        opener.xact_start = xact;
        opener.begun = current.begun;
    }
    if (current.secret == current.message ||
        (is_utility && current.use == Use::use && may_carry_secret(span.begin, span.length))) {
        store_text(opener.text, {kHiddenText, sizeof kHiddenText - 1});
    } else {
        store_text(opener.text, span);
    }
    opener.neutral = current.use == Use::neutral;
    my_slot->opener_changes.end_write();
    current.opener = xact;
    current.opener_neutral = opener.neutral;
}

void utility_ends(StatementText text, uint64_t query_id, uint64_t rows) {
    if (!current.open) {
        return;
    }
    if (const uint64_t slow = close_statement()) {
        record_slow(text, slow, query_id, rows, 0);
    }
    keep_opener(text, true);
}

namespace {

// Text for what ended after its plan was gone: PostgreSQL's own copy.
StatementText activity_text() {
    if (current.fastpath == current.message) {
        return call_text();
    }
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
    if (current.recorded != 0 && current.recorded_begun == current.begun) {
        amend_slow_statement(current.recorded, duration, current.sqlstate);
    } else if (duration >= settings::slow_statement_ns) {
        record_slow(activity_text(), duration, pgstat_get_my_query_id(), 0, current.sqlstate);
    }
}

}  // namespace

void statements_begin() {
    current = {};
    current.observed = settings::track;
}

void stop_observing() {
    current.observed = false;
}

void statement_analyzed(bool secret) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    const bool again = refuse_if_claimed(my_slot, message);
    if ((my_slot->word.load() & claim::kCancelInFlight) != 0) {
        receive_signals(claim::kCancelInFlight);  // a Parse message has no other end
    }
    if (secret) {
        statement_is_secret();
    }
    if (current.open || !current.observed) {
        return;
    }
    // The hook runs when analysis is over: the reading that it arrives by serves for both.
    const uint64_t now = arrive(my_slot, again, message);
    current.used_in_xact = true;
    my_slot->ledger.depart(now);
    current.carried = now - current.begun;
    current.planned = false;
    current.analyzed = message;
}

bool statement_planned(StatementText text) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    if (current.open || (message == current.message && message != current.analyzed)) {
        return false;
    }
    current.analyzed = 0;
    current.use = Use::neutral;
    statement_begins(message, message);
    keep_text(text);
    return true;
}

void planning_ends() {
    if (current.open && current.observed) {
        const uint64_t now = monotonic_ns();
        my_slot->ledger.depart(now);
        current.carried = now - current.begun;
        current.planned = true;
    }
    current.open = false;
}

void fastpath_call_begins(Oid function) {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    if (current.fastpath == message) {
        return;  // a function that the call calls
    }
    current.fastpath = message;
    current.use = Use::use;
    statement_begins(message, message);
    current.function = function;
    statement_counts();
    if (current.open && current.in_block) {
        (void)close_statement();
        keep_opener(call_text(), false);
    }
}

void statement_is_secret() {
    current.secret = GetCurrentStatementStartTimestamp();
    my_slot->secret_start.set(current.secret);
}

void statement_fails(int sqlstate) {
    current.sqlstate = sqlstate;
}

void error_leaves() {
    if (!current.open) {
        settle_cancel(my_slot, GetCurrentStatementStartTimestamp());
    }
}

void transaction_ends(bool wrote) {
    if (current.open) {
        if (const uint64_t slow = close_statement()) {
            record_slow(activity_text(), slow, pgstat_get_my_query_id(), 0, 0);
        }
        current.function = InvalidOid;
    } else if (current.used_in_xact && current.observed && synced_late()) {
        my_slot->ledger.depart(monotonic_ns());
    } else if (wrote && current.used_in_xact) {
        statement_went_on();
    }
}

void message_fails() {
    const TimestampTz message = GetCurrentStatementStartTimestamp();
    error_leaves();
    if (!current.open && message != current.message) {
        current.message = message;
        current.text = {};
        current.use = Use::neutral;
        statement_opens(my_slot, false, message);  // it failed before any hook saw it
    }
    if (current.open) {
        const bool one_of_several = current.text.source != nullptr && current.message == message;
        current.message = message;
        const StatementText text = one_of_several ? current.text : activity_text();
        if (const uint64_t slow = close_statement()) {
            record_slow(text, slow, pgstat_get_my_query_id(), 0, current.sqlstate);
        }
        if (current.in_block) {
            keep_opener(text, true);
        }
    } else if (current.sqlstate != 0) {
        statement_went_on();  // a deferred trigger failed, say
    }
    current.function = InvalidOid;
    current.sqlstate = 0;
}

}  // namespace leash
