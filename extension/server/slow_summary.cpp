#include "server/slow_summary.h"

#include "server/session.h"

extern "C" {
#include "common/hashfn.h"
}

namespace leash {
namespace {

// The statement of this session that was added last.
struct Last {
    uint64_t sequence;
    uint64_t hash;
    uint64_t duration;
    int sqlstate;
};

Last last = {};

uint64_t hash_of(const SlowRecord& record, const SlowFacts& facts) {
    const SessionIdentity& me = my_slot->identity;
    // Without query ids, statements of the same shape are the same.
    uint64 hash = facts.query_id;
    if (hash == 0) {
        hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(record.text.begin),
                                   static_cast<int>(record.text.length), 0);
    }
    hash = hash_combine64(hash, me.role);
    hash = hash_combine64(hash, me.database);
    return hash != 0 ? hash : 1;
}

SlowSummary* find(uint64_t hash) {
    return find_or_oldest(slow_summary(0), shared()->summaries, hash);
}

void begin(SlowSummary* entry, uint64_t hash, const SlowRecord& record, const SlowFacts& facts) {
    shared()->summaries_lost += entry->hash != 0 ? 1 : 0;
    memset(static_cast<void*>(entry), 0, sizeof *entry);
    entry->hash = hash;
    entry->query_id = facts.query_id;
    entry->role = my_slot->identity.role;
    entry->database = my_slot->identity.database;
    entry->secret = record.secret;
    store_text(entry->text, record.text);
}

}  // namespace

void summarize_slow(const SlowRecord& record, const SlowFacts& facts) {
    const uint64_t hash = hash_of(record, facts);
    LWLockAcquire(lock(Lock::slow), LW_EXCLUSIVE);
    SlowSummary* const entry = find(hash);
    if (entry->hash != hash) {
        begin(entry, hash, record, facts);
    }
    entry->calls++;
    entry->failed += facts.sqlstate != 0 ? 1 : 0;
    entry->total_time += facts.duration;
    entry->max_time = Max(entry->max_time, facts.duration);
    entry->client_wait += record.client_wait == kUnknownWait ? 0 : record.client_wait;
    entry->rows += facts.rows;
    entry->shared_blks_read += static_cast<uint64_t>(facts.shared_blks_read);
    entry->temp_blks_written += static_cast<uint64_t>(facts.temp_blks_written);
    entry->last_seen = GetCurrentTimestamp();
    entry->durations.add(facts.duration);
    strlcpy(entry->application_name, MyBEEntry->st_appname, sizeof entry->application_name);
    LWLockRelease(lock(Lock::slow));
    last = {record.sequence, hash, facts.duration, facts.sqlstate};
}

void amend_summary(uint64_t sequence, uint64_t duration, int sqlstate) {
    if (sequence != last.sequence || duration < last.duration) {
        return;
    }
    LWLockAcquire(lock(Lock::slow), LW_EXCLUSIVE);
    SlowSummary* const entry = find(last.hash);
    if (entry->hash == last.hash) {
        entry->total_time += duration - last.duration;
        entry->max_time = Max(entry->max_time, duration);
        entry->failed += sqlstate != 0 && last.sqlstate == 0 ? 1 : 0;
        Relaxed<uint32_t>& before = entry->durations.counts[Histogram::bucket_of(last.duration)];
        if (before.get() > 0) {
            before.set(before.get() - 1);
            entry->durations.add(duration);
        }
    }
    LWLockRelease(lock(Lock::slow));
    last.duration = duration;
    last.sqlstate = sqlstate != 0 ? sqlstate : last.sqlstate;
}

void forget_summaries() {
    LWLockAcquire(lock(Lock::slow), LW_EXCLUSIVE);
    memset(static_cast<void*>(slow_summary(0)), 0,
           sizeof(SlowSummary) * static_cast<size_t>(shared()->summaries));
    shared()->summaries_lost = 0;
    LWLockRelease(lock(Lock::slow));
}

int copy_summaries(SlowSummary** copies) {
    const Size room = sizeof(SlowSummary) * static_cast<Size>(shared()->summaries);
    *copies = static_cast<SlowSummary*>(palloc_extended(room, MCXT_ALLOC_HUGE));
    int count = 0;
    LWLockAcquire(lock(Lock::slow), LW_SHARED);
    for (int i = 0; i < shared()->summaries; i++) {
        if (slow_summary(i)->hash != 0) {
            memcpy(static_cast<void*>(*copies + count++), slow_summary(i), sizeof(SlowSummary));
        }
    }
    LWLockRelease(lock(Lock::slow));
    return count;
}

}  // namespace leash
