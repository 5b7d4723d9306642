// Makes the block of shared memory, and finds its parts.
#include "server/shared_state.h"

#include "server/settings.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace leash {
namespace {

SharedState* state = nullptr;
shmem_request_hook_type prev_shmem_request_hook = nullptr;
shmem_startup_hook_type prev_shmem_startup_hook = nullptr;

// Where each part begins, from the start of the block.
struct Layout {
    size_t slots;
    size_t notes;
    size_t slow;
    size_t end;
};

Layout layout_of(int slots, int slow_entries) {
    Layout at{};
    at.slots = TYPEALIGN(kCacheLine, sizeof(SharedState));
    at.notes = add_size(at.slots, mul_size(sizeof(SessionSlot), slots));
    at.slow = add_size(at.notes, TYPEALIGN(kCacheLine, sizeof(ReapNote) * kNoteCount));
    at.end = add_size(at.slow, mul_size(sizeof(SlowStatement), slow_entries));
    return at;
}

template <class T>
T* part(size_t offset) {
    return reinterpret_cast<T*>(reinterpret_cast<char*>(state) + offset);
}

// Room for the block and for moving its start to a cache line.
size_t block_size() {
    return add_size(layout_of(MaxConnections, settings::slow_statements_max).end, kCacheLine);
}

void request_shared_memory() {
    if (prev_shmem_request_hook != nullptr) {
        prev_shmem_request_hook();
    }
    RequestAddinShmemSpace(block_size());
}

void initialize() {
    memset(static_cast<void*>(state), 0, block_size() - kCacheLine);
    state->slots = MaxConnections;
    state->slow_entries = settings::slow_statements_max;
    pg_atomic_init_u64(&state->opened_total, 0);
    pg_atomic_init_u64(&state->peak_used, 0);
    pg_atomic_init_u64(&state->peak_at, 0);
    pg_atomic_init_u32(&state->sessions, 0);
    pg_atomic_init_u32(&state->next_note, 0);
    for (pg_atomic_uint64& count : state->refused) {
        pg_atomic_init_u64(&count, 0);
    }
    pg_atomic_init_u64(&state->refused_last_at, 0);
    pg_atomic_init_u64(&state->slow_sequence, 0);
    pg_atomic_init_u64(&state->slow_reset, 0);
    pg_atomic_init_u64(&state->slow_lost, 0);
    pg_atomic_init_u64(&state->stats_reset, static_cast<uint64>(GetCurrentTimestamp()));
    for (int i = 0; i < state->slots; i++) {
        pg_atomic_init_u64(&session_slot(i)->word.value, 0);
    }
    for (int i = 1; i <= state->slow_entries; i++) {
        pg_atomic_init_u32(&slow_statement(static_cast<uint64_t>(i))->changes, 0);
    }
    state->layout_version = kLayoutVersion;
    state->magic = kMagic;
}

// Runs in the postmaster, once at start and again after a crash.
void startup_shared_memory() {
    if (prev_shmem_startup_hook != nullptr) {
        prev_shmem_startup_hook();
    }
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    void* const block = ShmemInitStruct("pg_leash", block_size(), &found);
    state = reinterpret_cast<SharedState*>(TYPEALIGN(kCacheLine, block));
    if (!found) {
        initialize();
    }
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

SharedState* shared() {
    return state;
}

SessionSlot* session_slot(int number) {
    return part<SessionSlot>(layout_of(state->slots, state->slow_entries).slots) + number;
}

ReapNote* reap_note(uint16_t number) {
    return part<ReapNote>(layout_of(state->slots, state->slow_entries).notes) + number % kNoteCount;
}

SlowStatement* slow_statement(uint64_t sequence) {
    return part<SlowStatement>(layout_of(state->slots, state->slow_entries).slow) +
           (sequence - 1) % static_cast<uint64_t>(state->slow_entries);
}

void require_preload() {
    if (state == nullptr) {
        ereport(ERROR, (errcode(ERRCODE_OBJECT_NOT_IN_PREREQUISITE_STATE),
                        errmsg("pg_leash must be loaded via \"shared_preload_libraries\""),
                        errhint("Add pg_leash to \"shared_preload_libraries\" in postgresql.conf "
                                "and restart the server.")));
    }
}

void install_shared_state() {
    prev_shmem_request_hook = shmem_request_hook;
    shmem_request_hook = request_shared_memory;
    prev_shmem_startup_hook = shmem_startup_hook;
    shmem_startup_hook = startup_shared_memory;
}

}  // namespace leash
