// Makes the block of shared memory, and finds its parts.
#include "server/shared_state.h"

#include "server/minutes.h"
#include "server/saved_state.h"
#include "server/settings.h"

extern "C" {
#include "storage/ipc.h"
#include "storage/shmem.h"
}

namespace leash {
namespace {

constexpr const char* kTranche = "pg_leash";

// Where each part begins, from the start of the block.
struct Layout {
    size_t slots;
    size_t notes;
    size_t slow;
    size_t observations;
    size_t pursuits;
    size_t journal;
    size_t reap_totals;
    size_t policies;
    size_t notices;
    size_t breakers;
    size_t applications;
    size_t counted_before;
    size_t summaries;
    size_t refusal_minutes;
    size_t refusal_events;
    size_t index_candidates;
    size_t plans;
    size_t history;
    size_t end;
};

size_t after(size_t offset, size_t size, size_t count) {
    return TYPEALIGN(kCacheLine, add_size(offset, mul_size(size, count)));
}

Layout layout_of(int slots, int slow_entries, int journal_entries, int applications, int summaries,
                 int history) {
    const auto sessions = static_cast<size_t>(slots);
    Layout at{};
    at.slots = TYPEALIGN(kPage, sizeof(SharedState));
    at.notes = after(at.slots, sizeof(SessionSlot), sessions);
    at.slow = after(at.notes, sizeof(ReapNote), kNoteCount);
    at.observations = after(at.slow, sizeof(SlowStatement), static_cast<size_t>(slow_entries));
    at.pursuits = after(at.observations, sizeof(Observation), sessions);
    at.journal = after(at.pursuits, sizeof(Pursuit), sessions);
    at.reap_totals = after(at.journal, sizeof(ReapRecord), static_cast<size_t>(journal_entries));
    at.policies = after(at.reap_totals, sizeof(ReapTotal), kReapTotals);
    at.notices = after(at.policies, sizeof(PolicySet), 1);
    at.breakers = after(at.notices, sizeof(Notice), kNoticeCount);
    at.applications = after(at.breakers, sizeof(Breaker), kBreakerCount);
    at.counted_before =
        after(at.applications, sizeof(Application), static_cast<size_t>(applications));
    at.summaries = after(at.counted_before, sizeof(CountedBefore), sessions);
    at.refusal_minutes = after(at.summaries, sizeof(SlowSummary), static_cast<size_t>(summaries));
    at.refusal_events = after(at.refusal_minutes, sizeof(RefusalMinute), kRefusalMinutes);
    at.index_candidates = after(at.refusal_events, sizeof(RefusalEvent), kRefusalsKept);
    at.plans = after(at.index_candidates, sizeof(IndexCandidate), kIndexCandidates);
    at.history = after(at.plans, sizeof(SlowPlan), kSlowPlans);
    at.end = after(at.history, sizeof(HistoryRow), static_cast<size_t>(history));
    return at;
}

SharedState* state = nullptr;
Layout parts;  // of the block that this process is attached to
shmem_request_hook_type prev_shmem_request_hook = nullptr;
shmem_startup_hook_type prev_shmem_startup_hook = nullptr;

template <class T>
T* part(size_t offset) {
    return reinterpret_cast<T*>(reinterpret_cast<char*>(state) + offset);
}

Layout wanted_layout() {
    return layout_of(MaxConnections, settings::slow_statements_max, settings::reap_log_max,
                     settings::applications_max, settings::slow_summary_max,
                     settings::history_retention);
}

// Room for the block and for moving its start to a page.
size_t block_size() {
    return add_size(wanted_layout().end, kPage);
}

void request_shared_memory() {
    if (prev_shmem_request_hook != nullptr) {
        prev_shmem_request_hook();
    }
    RequestAddinShmemSpace(block_size());
    RequestNamedLWLockTranche(kTranche, kLocks);
}

void initialize() {
    memset(static_cast<void*>(state), 0, block_size() - kPage);
    state->slots = MaxConnections;
    state->slow_entries = settings::slow_statements_max;
    state->journal_entries = settings::reap_log_max;
    state->applications = settings::applications_max;
    state->summaries = settings::slow_summary_max;
    state->history.room = settings::history_retention;
    state->locks = GetNamedLWLockTranche(kTranche);
    pg_atomic_init_u64(&state->opened_total, 0);
    pg_atomic_init_u64(&state->opened_reset, 0);
    pg_atomic_init_u64(&state->peak_used, 0);
    pg_atomic_init_u64(&state->peak_at, 0);
    pg_atomic_init_u32(&state->sessions, 0);
    pg_atomic_init_u32(&state->sessions_peak, 0);
    pg_atomic_init_u32(&state->next_note, 0);
    for (int i = 0; i < kRefusals; i++) {
        pg_atomic_init_u64(&state->refused[i], 0);
        pg_atomic_init_u64(&state->refused_reset[i], 0);
    }
    pg_atomic_init_u64(&state->refused_last_at, 0);
    pg_atomic_init_u64(&state->refusal_sequence, 0);
    for (pg_atomic_uint64& cell : state->refused_lately.cells) {
        pg_atomic_init_u64(&cell, 0);
    }
    pg_atomic_init_u64(&state->slow_sequence, 0);
    pg_atomic_init_u64(&state->plan_sequence, 0);
    pg_atomic_init_u64(&state->slow_reset, 0);
    pg_atomic_init_u64(&state->slow_lost, 0);
    pg_atomic_init_u64(&state->stats_reset, static_cast<uint64>(GetCurrentTimestamp()));
    pg_atomic_init_u64(&state->policies_wanted, 1);  // they have not been read yet
    pg_atomic_init_u64(&state->policies_read, 0);
    pg_atomic_init_u32(&state->worker_proc, 0);
    pg_atomic_init_u32(&state->peaks_reset, 0);
    pg_atomic_init_u32(&state->longest_reset, 0);
    for (int i = 0; i < state->slots; i++) {
        pg_atomic_init_u64(&session_slot(i)->word.value, 0);
    }
    for (int i = 1; i <= state->slow_entries; i++) {
        pg_atomic_init_u32(&slow_statement(static_cast<uint64_t>(i))->changes.count, 0);
    }
    state->layout_version = kLayoutVersion;
    state->magic = kMagic;
}

// For bench/stores, which looks at who stores where.
void report_layout() {
    ereport(DEBUG1, (errmsg_internal("pg_leash shared memory: state %p, %d slots of %zu bytes "
                                     "from %p, end %p, %d locks of %zu bytes from %p",
                                     static_cast<void*>(state), state->slots, sizeof(SessionSlot),
                                     static_cast<void*>(session_slot(0)),
                                     static_cast<void*>(part<char>(parts.end)), kLocks,
                                     sizeof(LWLockPadded), static_cast<void*>(state->locks))));
}

// Runs in the postmaster, once at start and again after a crash.
void startup_shared_memory() {
    if (prev_shmem_startup_hook != nullptr) {
        prev_shmem_startup_hook();
    }
    bool found = false;
    LWLockAcquire(AddinShmemInitLock, LW_EXCLUSIVE);
    void* const block = ShmemInitStruct("pg_leash", block_size(), &found);
    state = reinterpret_cast<SharedState*>(TYPEALIGN(kPage, block));
    parts = wanted_layout();
    if (!found) {
        initialize();
        restore_state();
    }
    if (!IsUnderPostmaster) {
        report_layout();
        save_state_at_exit();
    }
    LWLockRelease(AddinShmemInitLock);
}

}  // namespace

void RecentCount::add(uint64_t now) {
    const uint64_t minute = now / minute_ns();
    pg_atomic_uint64* const cell = &cells[minute % kMinutes];
    uint64 before = pg_atomic_read_u64(cell);
    while (!pg_atomic_compare_exchange_u64(
        cell, &before, before >> 32 == minute ? before + 1 : (minute << 32) + 1)) {
    }
}

uint64_t RecentCount::of_last(uint64_t minutes, uint64_t now) {
    const uint64_t minute = now / minute_ns();
    uint64_t sum = 0;
    for (pg_atomic_uint64& cell : cells) {
        const uint64_t value = pg_atomic_read_u64(&cell);
        sum += (value >> 32) + minutes > minute ? value & 0xffffffff : 0;
    }
    return sum;
}

SharedState* shared() {
    return state;
}

SessionSlot* session_slot(int number) {
    return part<SessionSlot>(parts.slots) + number;
}

ReapNote* reap_note(uint16_t number) {
    return part<ReapNote>(parts.notes) + number % kNoteCount;
}

SlowStatement* slow_statement(uint64_t sequence) {
    return part<SlowStatement>(parts.slow) +
           (sequence - 1) % static_cast<uint64_t>(state->slow_entries);
}

Observation* observation(int number) {
    return part<Observation>(parts.observations) + number;
}

Pursuit* pursuit(int number) {
    return part<Pursuit>(parts.pursuits) + number;
}

ReapRecord* reap_record(uint64_t sequence) {
    return part<ReapRecord>(parts.journal) +
           (sequence - 1) % static_cast<uint64_t>(state->journal_entries);
}

ReapTotal* reap_total(int number) {
    return part<ReapTotal>(parts.reap_totals) + number;
}

PolicySet* policy_set() {
    return part<PolicySet>(parts.policies);
}

Notice* notice(int number) {
    return part<Notice>(parts.notices) + number;
}

Breaker* breaker(int number) {
    return part<Breaker>(parts.breakers) + number;
}

Application* application(int number) {
    return part<Application>(parts.applications) + number;
}

CountedBefore* counted_before(int number) {
    return part<CountedBefore>(parts.counted_before) + number;
}

SlowSummary* slow_summary(int number) {
    return part<SlowSummary>(parts.summaries) + number;
}

SlowPlan* slow_plan(uint64_t sequence) {
    return part<SlowPlan>(parts.plans) + (sequence - 1) % kSlowPlans;
}

IndexCandidate* index_candidate(int number) {
    return part<IndexCandidate>(parts.index_candidates) + number;
}

RefusalMinute* refusal_minute(uint64_t minute) {
    return part<RefusalMinute>(parts.refusal_minutes) + minute % kRefusalMinutes;
}

RefusalEvent* refusal_event(uint64_t sequence) {
    return part<RefusalEvent>(parts.refusal_events) + (sequence - 1) % kRefusalsKept;
}

HistoryRow* history_row(uint64_t sequence) {
    return part<HistoryRow>(parts.history) +
           (sequence - 1) % static_cast<uint64_t>(state->history.room);
}

LWLock* lock(Lock which) {
    return &state->locks[static_cast<int>(which)].lock;
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
