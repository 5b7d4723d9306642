// What structs in shared memory are made of.
#pragma once

#include "server/compat.h"

#include "core/relaxed.h"

namespace leash {

// pg_atomic_uint64 in the shape that core/claim.h expects.  All full barriers.
struct ClaimAtomic {
    pg_atomic_uint64 value;

    uint64_t load() {
        pg_memory_barrier();
        return pg_atomic_read_u64(&value);
    }
    void store(uint64_t v) { (void)pg_atomic_exchange_u64(&value, v); }
    uint64_t fetch_add(uint64_t v) {
        return pg_atomic_fetch_add_u64(&value, static_cast<int64>(v));
    }
    uint64_t fetch_or(uint64_t v) { return pg_atomic_fetch_or_u64(&value, v); }
    uint64_t fetch_and(uint64_t v) { return pg_atomic_fetch_and_u64(&value, v); }
    bool compare_exchange(uint64_t& expected, uint64_t desired) {
        return pg_atomic_compare_exchange_u64(&value, &expected, desired);
    }
};

// Lets one writer change several fields under the eyes of readers, as
// st_changecount does in PgBackendStatus: odd while it writes.
struct ChangeCount {
    Relaxed<uint32_t> count;

    void begin_write() {
        count.add(1);
        pg_write_barrier();
    }
    void end_write() {
        pg_write_barrier();
        count.add(1);
    }
    uint32_t begin_read() const {
        const uint32_t before = count.get();
        pg_read_barrier();
        return before;
    }
    bool consistent(uint32_t before) const {
        pg_read_barrier();
        return (before & 1) == 0 && count.get() == before;
    }
};

// The same for an entry of a ring that several may write: it is the one's who swaps the
// count from even to odd.  A writer who is a whole ring behind may be at it still; then it
// is nobody else's.
struct EntryCount {
    pg_atomic_uint32 count;

    bool take() {
        uint32 even = pg_atomic_read_u32(&count);
        return (even & 1) == 0 && pg_atomic_compare_exchange_u32(&count, &even, even + 1);
    }
    void give_back() {
        pg_write_barrier();
        pg_atomic_fetch_add_u32(&count, 1);
    }
};

// False when the entry was being written.
template <class Entry>
bool copy_entry(Entry& entry, Entry& copy) {
    const uint32 before = pg_atomic_read_u32(&entry.changes.count);
    pg_read_barrier();
    memcpy(static_cast<void*>(&copy), &entry, sizeof copy);
    pg_read_barrier();
    return (before & 1) == 0 && pg_atomic_read_u32(&entry.changes.count) == before;
}

// Of entries that are kept by hash, all under one lock: that of this hash, else a free one,
// else the one that was not seen for longest.
template <class Entry>
Entry* find_or_oldest(Entry* entries, int count, uint64_t hash) {
    Entry* oldest = entries;
    for (Entry* entry = entries; entry != entries + count; entry++) {
        if (entry->hash == hash) {
            return entry;
        }
        if (oldest->hash != 0 && (entry->hash == 0 || entry->last_seen < oldest->last_seen)) {
            oldest = entry;
        }
    }
    return oldest;
}

// A text as its session wrote it: `encoding` says how to read the bytes.
template <size_t Size>
struct StoredText {
    int32_t encoding;
    uint32_t length;
    char bytes[Size];
};

template <class T>
inline constexpr bool kMayLiveInSharedMemory =
    std::is_standard_layout_v<T>&& std::is_trivially_destructible_v<T>;

}  // namespace leash
