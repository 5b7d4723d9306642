#include "server/sampler.h"

#include "server/application_watch.h"
#include "server/clock.h"
#include "server/debug_stop.h"
#include "server/history.h"
#include "server/settings.h"

extern "C" {
#include "utils/memutils.h"
}

namespace leash {
namespace {

constexpr int kTries = 1'000;

// What the last sample saw in a slot.  In memory of the worker's own, so that a look at
// a session where nothing happened touches as little shared memory as possible.
struct Seen {
    BackendEntry entry;
    uint32_t identity;  // change count of the identity that all this is about; 0: of none
    bool open;
    ClientWait client_wait;
    bool waits;  // for its client, in the middle of a command
    uint64_t opened_at;
    TimestampTz state_change;
    TimestampTz xact_start;
};

Seen* seen_sessions = nullptr;  // by slot
uint32_t peaks_reset_seen = 0;

// One sample: both clocks as it began, the last one's beginning, and what it counts.
struct Sample {
    uint64_t now;
    TimestampTz wall;
    uint64_t last;  // 0: this is the first one
    ServerLevels levels;
    bool changed;

    // When something began that the last sample did not see yet.  PostgreSQL's stamp
    // tells it exactly, but may be off by as much as the wall clock was set: what is
    // certain is that it lies between that sample, or the login, and now.
    uint64_t since(TimestampTz stamp, uint64_t opened_at) const {
        const uint64_t earliest = Min(now, Max(last, opened_at));
        return now - Min(wall_age_ns(stamp, wall), now - earliest);
    }
};

bool is_active(State state) {
    return state == State::active || state == State::fastpath;
}

bool is_in_transaction(State state) {
    return state == State::idle_in_transaction || state == State::idle_in_transaction_aborted;
}

// A session that was not there at the last sample, or not in the life of this worker.
bool meet(int number, uint32_t identity, Seen& seen) {
    const SessionSlot& slot = *session_slot(number);
    SessionIdentity who;
    if (!read_identity(slot, who) || slot.identity_changes.count.get() != identity) {
        return false;
    }
    Observation& known = *observation(number);
    if (!(known.session == who.id)) {
        known.changes.begin_write();
        known.peer = {};
        known.session = who.id;
        known.state_change = 0;
        known.state_since = who.opened_at;
        known.xact_start = 0;
        known.xact_since = 0;
        known.client_wait = 0;
        known.message = 0;
        known.message_wait = 0;
        known.stalled_since = 0;
        known.application = -1;
        known.peer_asked_at = 0;
        known.changes.end_write();
    }
    seen = {{who.status, who.id.pid, who.backend_start},
            identity,
            true,
            ClientWait::none,
            false,
            who.opened_at,
            known.state_change,
            known.xact_start};
    return true;
}

// How much of the time since the last sample a session has waited that waits now.  An
// interval as usual counts as a whole, which is right in the mean; of a longer one, no
// more than the state has lasted.
uint64_t wait_since(const Sample& sample, const Observation& known) {
    const uint64_t elapsed = sample.last == 0 ? 0 : sample.now - sample.last;
    const uint64_t usual = static_cast<uint64_t>(settings::sample_interval) * 2'000'000;
    const uint64_t state_for = sample.now - Min(sample.now, known.state_since);
    return elapsed <= usual ? elapsed : Min(elapsed, Max(state_for, usual));
}

// A client that reads slowly, or sends now and then, waits at each sample as well: what
// tells is that the process does nothing at all.
void note_stall(const BackendState& backend, bool moved, uint64_t now, Observation& known) {
    if (!waits_for_client(backend)) {
        known.stalled_since = 0;
        return;
    }
    if (moved || known.stalled_since == 0 || backend.cpu_time != known.cpu_time) {
        known.stalled_since = now;
        known.cpu_time = backend.cpu_time;
    }
}

void note(int number, const BackendState& backend, Seen& seen, const Sample& sample) {
    Observation& known = *observation(number);
    const bool waits = waits_for_client(backend);
    known.changes.begin_write();
    note_stall(backend, backend.state_change != seen.state_change, sample.now, known);
    if (backend.state_change != seen.state_change) {
        known.state_change = backend.state_change;
        known.state_since = sample.since(backend.state_change, seen.opened_at);
    }
    if (backend.xact_start != seen.xact_start) {
        known.xact_start = backend.xact_start;
        known.xact_since =
            backend.xact_start == 0 ? 0 : sample.since(backend.xact_start, seen.opened_at);
    }
    if (waits) {
        const uint64_t wait = wait_since(sample, known);
        if (known.message != backend.query_start) {
            known.message = backend.query_start;
            known.message_wait = 0;
        }
        known.client_wait += wait;
        known.message_wait += wait;
    }
    known.changes.end_write();
}

void look_at(int number, Seen& seen, Sample& sample) {
    SessionSlot& slot = *session_slot(number);
    const bool open = (pg_atomic_read_u64(&slot.word.value) & claim::kOpen) != 0;
    if (!open) {
        sample.levels.used += proc_in_use(number) ? 1 : 0;
        sample.changed |= seen.open;
        seen.open = false;
        return;
    }
    sample.levels.used++;
    const uint32_t identity = slot.identity_changes.count.get();
    const bool is_new = seen.identity != identity;
    if (is_new) {
        sample.changed = true;
        if (!meet(number, identity, seen)) {
            return;
        }
    }
    seen.open = true;
    BackendState backend{};
    if (!read_backend_state(number, seen.entry, backend)) {
        return;
    }
    const bool active = is_active(backend.state);
    const bool waits = waits_for_client(backend);
    const bool idle_in_transaction = is_in_transaction(backend.state);
    const bool in_use = active || idle_in_transaction;
    const bool busy = active && !waits;
    sample.levels.active += active ? 1 : 0;
    sample.levels.idle_in_transaction += idle_in_transaction ? 1 : 0;
    sample.levels.in_use += in_use ? 1 : 0;
    sample.levels.busy += busy ? 1 : 0;
    count_level(number, is_new, in_use, busy);
    const bool moved =
        backend.state_change != seen.state_change || backend.xact_start != seen.xact_start;
    if (moved || waits || seen.waits) {
        note(number, backend, seen, sample);
    }
    sample.changed |= moved || backend.client_wait != seen.client_wait;
    seen.state_change = backend.state_change;
    seen.xact_start = backend.xact_start;
    seen.client_wait = backend.client_wait;
    seen.waits = waits;
}

// Names change rarely, and statements are noted by the minute.
bool refresh_is_due(uint64_t now) {
    constexpr uint64_t kEvery = 1'000'000'000;
    static uint64_t last = 0;
    if (now - last < kEvery) {
        return false;
    }
    last = now;
    return true;
}

void publish(const Sample& sample) {
    WorkerStatus& status = shared()->worker;
    const uint32_t reset = pg_atomic_read_u32(&shared()->peaks_reset);
    const auto in_use = static_cast<int32_t>(sample.levels.in_use);
    const auto busy = static_cast<int32_t>(sample.levels.busy);
    const bool anew = reset != peaks_reset_seen;
    peaks_reset_seen = reset;
    status.changes.begin_write();
    status.samples++;
    status.last_sample = sample.now;
    status.sample_time_total += monotonic_ns() - sample.now;
    status.in_use = in_use;
    status.busy = busy;
    status.in_use_peak = anew ? in_use : Max(status.in_use_peak, in_use);
    status.busy_peak = anew ? busy : Max(status.busy_peak, busy);
    status.changes.end_write();
}

}  // namespace

bool take_sample() {
    const int slots = shared()->slots;
    if (seen_sessions == nullptr) {
        seen_sessions = static_cast<Seen*>(
            MemoryContextAllocZero(TopMemoryContext, sizeof(Seen) * static_cast<Size>(slots)));
        peaks_reset_seen = pg_atomic_read_u32(&shared()->peaks_reset);
    }
    Sample sample{};
    sample.now = monotonic_ns();
    sample.wall = GetCurrentTimestamp();
    sample.last = shared()->worker.last_sample;
    begin_levels(refresh_is_due(sample.now));
    for (int i = 0; i < slots; i++) {
        look_at(i, seen_sessions[i], sample);
    }
    const uint64_t elapsed = sample.last == 0 ? 0 : sample.now - sample.last;
    debug_stop("sample");
    end_levels(elapsed);
    add_to_history(sample.levels, elapsed, sample.now);
    publish(sample);
    // Whoever works may wait for its client at any moment, and no stamp tells of it.
    return sample.changed || sample.levels.busy > 0;
}

bool read_observation(int number, const SessionId& session, Observation& copy) {
    const Observation& known = *observation(number);
    if (pg_atomic_read_u32(&shared()->worker_proc) == 0) {
        return false;
    }
    for (int i = 0; i < kTries; i++) {
        const uint32_t before = known.changes.begin_read();
        copy = known;
        if (known.changes.consistent(before)) {
            return copy.session == session;
        }
    }
    return false;
}

}  // namespace leash
