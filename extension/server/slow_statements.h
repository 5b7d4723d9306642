// The ring of slow statements: recorded without a lock by whoever was slow.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Where a statement stands in its source text, as in PlannedStmt.
struct StatementText {
    const char* source;  // null: unknown
    int location;        // -1: from the start
    int length;          // 0: to the end
};

// What is recorded beside text and identity.
struct SlowFacts {
    uint64_t duration;  // ns
    uint64_t query_id;
    uint64_t rows;
    int64_t shared_blks_hit;
    int64_t shared_blks_read;
    int64_t temp_blks_written;
    uint64_t wal_bytes;
    int sqlstate;
    bool secret;
    TimestampTz message;  // the one that it came with
};

// Narrows a text down to its one statement, with the comments that the whole begins with,
// without blanks and semicolon around it.
struct TextSpan {
    const char* begin;
    size_t length;
};
TextSpan span_of(const StatementText& text);

// Copies at most Size bytes, cut at a character boundary of the database's encoding.
template <size_t Size>
void store_text(StoredText<Size>& to, const TextSpan& from);

// Records; returns the number of the record, or 0 when it was lost because a
// writer was still busy with the same entry.
uint64_t record_slow_statement(const StatementText& text, const SlowFacts& facts);

// The statement went on after it was recorded (its commit, mostly).
void amend_slow_statement(uint64_t sequence, uint64_t duration, int sqlstate);

// Copies record `sequence`; false when it is gone, forgotten or being written.
bool read_slow_statement(uint64_t sequence, SlowStatement& copy);

}  // namespace leash
