#include "server/saved_statistics.h"

#include "server/applications.h"
#include "server/clock.h"
#include "server/minutes.h"
#include "server/slow_statements.h"

#include <cstdlib>

namespace leash {
namespace {

// In the postmaster nobody else is there any more, and there is no PGPROC to wait with.
void acquire(Lock which) {
    if (MyProc != nullptr) {
        LWLockAcquire(lock(which), LW_SHARED);
    }
}

void release(Lock which) {
    if (MyProc != nullptr) {
        LWLockRelease(lock(which));
    }
}

template <class T>
T* allocate(int64_t count) {
    return static_cast<T*>(malloc(sizeof(T) * static_cast<size_t>(Max(count, 1))));
}

template <size_t Size>
bool ends(const char (&text)[Size]) {
    return memchr(text, '\0', Size) != nullptr;
}

template <size_t Size>
bool fits(const StoredText<Size>& text) {
    return text.length <= Size;
}

bool is_sound(const Application& entry, uint64_t number) {
    return ends(entry.name) && (entry.hash != 0) == (number != kOtherApplications);
}

// A name that a reset has left.
bool is_left_over(const Application& entry) {
    return entry.hash != 0 && entry.known_since == 0 &&
           entry.active_minutes.count(minute_of(GetCurrentTimestamp())) == 0;
}

bool is_sound(const SlowSummary& entry) {
    return entry.hash != 0 && entry.calls > 0 && ends(entry.application_name) && fits(entry.text);
}

bool is_sound(const SlowStatement& entry, uint64_t after) {
    return entry.sequence > after && ends(entry.application_name) && fits(entry.text) &&
           fits(entry.tags);
}

}  // namespace

void* collect_applications(uint64_t& count) {
    auto* const items = allocate<Application>(shared()->applications);
    if (items == nullptr) {
        return nullptr;
    }
    const uint64_t now = monotonic_ns();
    acquire(Lock::applications);
    count = static_cast<uint64_t>(shared()->applications_known);
    for (uint64_t i = 0; i < count; i++) {
        items[i] = *application(static_cast<int>(i));
        // The monotonic clock may begin anew with the machine.
        items[i].known_before = known_for(items[i], now);
        items[i].known_at = 0;
        items[i].sessions = items[i].in_use_now = items[i].busy_now = 0;
    }
    release(Lock::applications);
    return items;
}

void restore_applications(const void* items, uint64_t count) {
    const auto* const saved = static_cast<const Application*>(items);
    const uint64_t now = monotonic_ns();
    const auto room = static_cast<uint64_t>(shared()->applications);
    uint64_t known = 0;
    // A smaller table takes the first ones; the others are no longer told apart.
    for (uint64_t i = 0; i < count && known < room; i++) {
        if (is_sound(saved[i], known) && !is_left_over(saved[i])) {
            Application* const entry = application(static_cast<int>(known++));
            *entry = saved[i];
            entry->known_at = now;
        }
    }
    shared()->applications_known = static_cast<int32_t>(known);
}

uint64_t application_changes() {
    uint64_t changes = 0;
    acquire(Lock::applications);
    for (int i = 0; i < shared()->applications_known; i++) {
        const Application& entry = *application(i);
        changes += 1 + entry.levels.current.in_use.whole + entry.leaked;
        for (const uint64_t ended : entry.ended) {
            changes += ended;
        }
    }
    release(Lock::applications);
    return changes;
}

void* collect_slow_statements(uint64_t& count) {
    SharedState* const state = shared();
    auto* const items = allocate<SlowStatement>(state->slow_entries);
    const uint64_t newest = pg_atomic_read_u64(&state->slow_sequence);
    const auto kept = static_cast<uint64_t>(state->slow_entries);
    uint64_t sequence =
        Max(pg_atomic_read_u64(&state->slow_reset), newest > kept ? newest - kept : 0);
    count = 0;
    while (items != nullptr && sequence < newest) {
        count += read_slow_statement(++sequence, items[count]) ? 1 : 0;
    }
    return items;
}

void restore_slow_statements(const void* items, uint64_t count) {
    const auto* const saved = static_cast<const SlowStatement*>(items);
    uint64_t last = 0;
    for (uint64_t i = 0; i < count; i++) {
        if (is_sound(saved[i], last)) {
            last = saved[i].sequence;
            SlowStatement* const entry = slow_statement(last);
            *entry = saved[i];
            pg_atomic_init_u32(&entry->changes.count, 0);
        }
    }
    pg_atomic_write_u64(&shared()->slow_sequence, last);
    // What the total counts: what was lost before, to a smaller ring say, is forgotten.
    pg_atomic_write_u64(&shared()->slow_reset, last > count ? last - count : 0);
}

uint64_t slow_statement_changes() {
    return pg_atomic_read_u64(&shared()->slow_sequence) + pg_atomic_read_u64(&shared()->slow_reset);
}

void* collect_summaries(uint64_t& count) {
    auto* const items = allocate<SlowSummary>(shared()->summaries);
    count = 0;
    if (items == nullptr) {
        return nullptr;
    }
    acquire(Lock::slow);
    for (int i = 0; i < shared()->summaries; i++) {
        if (slow_summary(i)->hash != 0) {
            items[count++] = *slow_summary(i);
        }
    }
    release(Lock::slow);
    return items;
}

void restore_summaries(const void* items, uint64_t count) {
    const auto* const saved = static_cast<const SlowSummary*>(items);
    const auto room = static_cast<uint64_t>(shared()->summaries);
    uint64_t used = 0;
    for (uint64_t i = 0; i < count && used < room; i++) {
        if (is_sound(saved[i])) {
            *slow_summary(static_cast<int>(used++)) = saved[i];
        }
    }
}

uint64_t summary_changes() {
    return slow_statement_changes();
}

}  // namespace leash
