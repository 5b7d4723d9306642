#include "server/slow_statements.h"

#include "server/sampler.h"
#include "server/session.h"
#include "server/slow_summary.h"

#include "core/mask.h"
#include "core/secrets.h"
#include "core/tags.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

bool is_blank(char c) {
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f';
}

// A statement's text as it may be stored: its literals are masked, and the comment with
// its tags is kept apart, since masking takes comments out.
struct StoredStatement {
    bool secret;
    char masked[kSlowTextSize + MAX_MULTIBYTE_CHAR_LEN];
    TextSpan text;
    TextSpan tags;
};

void prepare(StoredStatement& to, const StatementText& text, bool secret) {
    const TextSpan span = span_of(text);
    to.secret = secret || may_carry_secret(span.begin, span.length);
    to.text = to.tags = {"", 0};
    if (to.secret) {
        return;
    }
    const MaskOptions options = {strings_have_escapes()};
    to.text = {to.masked,
               mask_literals(span.begin, span.length, options, to.masked, sizeof to.masked)};
    const std::string_view comment = comment_of(span.begin, span.length);
    if (comment.size() <= kTagTextSize) {
        to.tags = {comment.data(), comment.size()};
    }
}

// How much of the message's time its client took, as far as the worker saw.
uint64_t client_wait_of(TimestampTz message) {
    Observation seen{};
    const int number = static_cast<int>(my_slot - session_slot(0));
    if (!read_observation(number, my_slot->identity.id, seen)) {
        return kUnknownWait;
    }
    return seen.message == message ? seen.message_wait : 0;
}

void fill(SlowStatement* entry, const StoredStatement& statement, const SlowFacts& facts,
          uint64_t client_wait) {
    const SessionIdentity& me = my_slot->identity;
    entry->finished_at = GetCurrentTimestamp();
    entry->duration = facts.duration;
    entry->client_wait = client_wait;
    entry->session = me.id;
    entry->role = me.role;
    entry->database = me.database;
    entry->client = me.client;
    strlcpy(entry->application_name, MyBEEntry->st_appname, NAMEDATALEN);
    entry->query_id = facts.query_id;
    entry->rows = facts.rows;
    entry->shared_blks_hit = facts.shared_blks_hit;
    entry->shared_blks_read = facts.shared_blks_read;
    entry->temp_blks_written = facts.temp_blks_written;
    entry->wal_bytes = facts.wal_bytes;
    entry->sqlstate = facts.sqlstate;
    entry->secret = statement.secret;
    store_text(entry->text, statement.text);
    store_text(entry->tags, statement.tags);
}

}  // namespace

TextSpan span_of(const StatementText& text) {
    if (text.source == nullptr) {
        return {"", 0};
    }
    const size_t location = static_cast<size_t>(Max(text.location, 0));
    const size_t before = only_comments(text.source, location) ? location : 0;
    const char* begin = text.source + location - before;
    size_t length = text.length > 0 ? before + static_cast<size_t>(text.length) : strlen(begin);
    while (length > 0 && is_blank(*begin)) {
        begin++;
        length--;
    }
    while (length > 0 && (is_blank(begin[length - 1]) || begin[length - 1] == ';')) {
        length--;
    }
    return {begin, length};
}

template <size_t Size>
void store_text(StoredText<Size>& to, const TextSpan& from) {
    size_t length = from.length;
    if (length > Size) {
        length = static_cast<size_t>(pg_mbcliplen(
            from.begin, static_cast<int>(Min(from.length, Size + MAX_MULTIBYTE_CHAR_LEN)),
            static_cast<int>(Size)));
    }
    if (length > 0) {  // else it may begin nowhere
        memcpy(to.bytes, from.begin, length);
    }
    to.length = static_cast<uint32_t>(length);
    to.encoding = GetDatabaseEncoding();
}

template void store_text(StoredText<kSlowTextSize>& to, const TextSpan& from);
template void store_text(StoredText<kTagTextSize>& to, const TextSpan& from);
template void store_text(StoredText<kPlanTextSize>& to, const TextSpan& from);

uint64_t record_slow_statement(const StatementText& text, const SlowFacts& facts) {
    SharedState* const state = shared();
    static StoredStatement statement;  // too large for a stack that may be nearly used up
    prepare(statement, text, facts.secret);
    const uint64_t client_wait = Min(client_wait_of(facts.message), facts.duration);
    const uint64_t sequence = pg_atomic_fetch_add_u64(&state->slow_sequence, 1) + 1;
    summarize_slow({sequence, statement.text, statement.secret, client_wait}, facts);
    SlowStatement* const entry = slow_statement(sequence);
    if (!entry->changes.take()) {
        pg_atomic_fetch_add_u64(&state->slow_lost, 1);
        return 0;
    }
    entry->sequence = sequence;
    fill(entry, statement, facts, client_wait);
    entry->changes.give_back();
    return sequence;
}

void amend_slow_statement(uint64_t sequence, uint64_t duration, int sqlstate) {
    amend_summary(sequence, duration, sqlstate);
    SlowStatement* const entry = slow_statement(sequence);
    if (!entry->changes.take()) {
        return;
    }
    if (entry->sequence == sequence) {
        entry->duration = duration;
        entry->finished_at = GetCurrentTimestamp();
        if (sqlstate != 0) {
            entry->sqlstate = sqlstate;
        }
    }
    entry->changes.give_back();
}

bool read_slow_statement(uint64_t sequence, SlowStatement& copy) {
    return copy_entry(*slow_statement(sequence), copy) && copy.sequence == sequence;
}

}  // namespace leash
