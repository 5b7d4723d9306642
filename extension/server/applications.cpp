#include "server/applications.h"

#include "server/clock.h"
#include "server/minutes.h"
#include "server/sampler.h"
#include "server/settings.h"

#include "core/pooler_name.h"

extern "C" {
#include "common/hashfn.h"
}

namespace leash {
namespace {

constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kEnoughGaps = 1'000;
// What a gap has practically never exceeded, and the room left above it.
constexpr double kHabit = 0.9999;
constexpr uint64_t kRoom = 2;
constexpr double kUsual = 0.999;  // of the time

uint64_t hash_of(Oid role, Oid database, const char* name) {
    uint64 hash = hash_bytes_extended(reinterpret_cast<const unsigned char*>(name),
                                      static_cast<int>(strlen(name)), 0);
    hash = hash_combine64(hash, role);
    hash = hash_combine64(hash, database);
    return hash != 0 ? hash : 1;
}

// Under Lock::applications, exclusive.
int add(uint64_t hash, Oid role, Oid database, int32_t encoding, const char* name) {
    SharedState* const state = shared();
    if (state->applications_known == 0) {
        Application* const other = application(kOtherApplications);
        strlcpy(other->name, "(other)", sizeof other->name);
        begin_application(*other);
        state->applications_known = 1;
    }
    if (state->applications_known >= state->applications) {
        return kOtherApplications;
    }
    const int number = state->applications_known;
    Application* const entry = application(number);
    entry->hash = hash;
    entry->role = role;
    entry->database = database;
    entry->encoding = encoding;
    strlcpy(entry->name, name, sizeof entry->name);
    begin_application(*entry);
    state->applications_known = number + 1;
    return number;
}

int find(uint64_t hash, Oid role, Oid database, const char* name) {
    for (int i = 1; i < shared()->applications_known; i++) {
        const Application* const entry = application(i);
        if (entry->hash == hash && entry->role == role && entry->database == database &&
            strcmp(entry->name, name) == 0) {
            return i;
        }
    }
    return -1;
}

void add_sum(HistogramSum& to, const HistogramSum& from) {
    for (size_t rank = 0; rank < kHistogramRanks; rank++) {
        to.counts[rank] += from.counts[rank];
    }
    to.total += from.total;
}

void learn(Application& entry, const HistogramSum& gaps, uint64_t now) {
    const uint64_t after = static_cast<uint64_t>(settings::learn_after) * kMillisecond;
    const uint64_t floor = static_cast<uint64_t>(settings::learned_floor) * kMillisecond;
    const uint64_t watched = known_for(entry, now);
    const bool enough = gaps.total >= kEnoughGaps && watched >= after;
    entry.learned = enough ? Max(kRoom * gaps.percentile(kHabit), floor) : 0;
    entry.usual_in_use = watched >= after ? entry.levels.in_use(watched).percentile(kUsual) : 0;
}

bool is_of_use(const Application& entry) {
    return __atomic_load_n(&entry.uses, __ATOMIC_RELAXED) > 0;
}

// Whether sessions with the role and the database of a nameless application, which may be
// a pooler's spare ones, have been of use under any name.
bool is_login_of_use(const Application& nameless) {
    for (int i = 1; i < shared()->applications_known; i++) {
        const Application& entry = *application(i);
        if (entry.role == nameless.role && entry.database == nameless.database &&
            is_of_use(entry)) {
            return true;
        }
    }
    return false;
}

}  // namespace

void begin_application(Application& entry) {
    entry.known_since = GetCurrentTimestamp();
    entry.known_at = monotonic_ns();
    entry.known_before = 0;
}

int application_of(Oid role, Oid database, int32_t encoding, const char* name) {
    char plain[kNameSize];
    strlcpy(plain, name, Min(sizeof plain, length_without_host(name) + 1));
    const uint64_t hash = hash_of(role, database, plain);
    LWLockAcquire(lock(Lock::applications), LW_SHARED);
    int number = find(hash, role, database, plain);
    const bool is_known = number >= 0 && application(number)->known_since != 0;
    LWLockRelease(lock(Lock::applications));
    if (!is_known) {
        LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
        number = find(hash, role, database, plain);  // somebody else may have been faster
        if (number < 0) {
            number = add(hash, role, database, encoding, plain);
        } else if (application(number)->known_since == 0) {
            begin_application(*application(number));
        }
        LWLockRelease(lock(Lock::applications));
    }
    return number;
}

void add_levels(const ApplicationLevel* levels, int count, uint64_t elapsed) {
    const uint64_t now = monotonic_ns();
    const uint64_t week = kWeekMinutes * minute_ns();
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    for (int i = 0; i < count; i++) {
        Application& entry = *application(i);
        const ApplicationLevel& level = levels[i];
        entry.levels.advance(known_for(entry, now), week);
        LevelWindow::Period& period = entry.levels.current;
        entry.sessions = level.sessions;
        period.sessions_peak = Max(period.sessions_peak, level.sessions);
        entry.in_use_now = level.in_use;
        entry.busy_now = level.busy;
        if (level.in_use > 0) {
            period.in_use.add(level.in_use, elapsed);
        }
        if (level.busy > 0) {
            period.busy.add(level.busy, elapsed);
        }
    }
    LWLockRelease(lock(Lock::applications));
}

void note_activity(const bool* active, int count) {
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    const int64_t minute = minute_of(GetCurrentTimestamp());
    for (int i = 0; i < count; i++) {
        if (active[i]) {
            application(i)->active_minutes.mark(minute);
        }
    }
    LWLockRelease(lock(Lock::applications));
}

uint64_t sessions_without_room() {
    LWLockAcquire(lock(Lock::applications), LW_SHARED);
    const uint64_t living =
        shared()->applications_known > 0 ? application(kOtherApplications)->sessions : 0;
    const uint64_t sessions = shared()->others_ended + living;
    LWLockRelease(lock(Lock::applications));
    return sessions;
}

void forget_sessions_without_room() {
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    shared()->others_ended = 0;
    LWLockRelease(lock(Lock::applications));
}

void forget_future_minutes() {
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    const int64_t minute = minute_of(GetCurrentTimestamp());
    for (int i = 0; i < shared()->applications_known; i++) {
        application(i)->active_minutes.set_back(minute);
    }
    LWLockRelease(lock(Lock::applications));
}

void note_leaked(const uint32_t* leaked, int count) {
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    for (int i = 0; i < count; i++) {
        application(i)->leaked += leaked[i];
    }
    LWLockRelease(lock(Lock::applications));
}

void learn_habits() {
    SharedState* const state = shared();
    const uint64_t now = monotonic_ns();
    const auto size = sizeof(HistogramSum) * static_cast<Size>(state->applications);
    auto* const living = static_cast<HistogramSum*>(palloc0(size));
    for (int i = 0; i < state->slots; i++) {
        const SessionSlot& slot = *session_slot(i);
        SessionIdentity who;
        Observation seen{};
        if (read_identity(slot, who) && read_observation(i, who.id, seen) &&
            seen.application >= 0) {
            living[seen.application].add(slot.idle_gaps);
        }
    }
    LWLockAcquire(lock(Lock::applications), LW_EXCLUSIVE);
    for (int i = 1; i < state->applications_known; i++) {
        Application& entry = *application(i);
        add_sum(living[i], entry.idle_gaps);
        learn(entry, living[i], now);
    }
    LWLockRelease(lock(Lock::applications));
    pfree(living);
}

Habits habits_of(int number) {
    if (number <= kOtherApplications || number >= shared()->applications) {
        return {};
    }
    // Aligned words, and whichever of two values is read will do.
    const Application& entry = *application(number);
    return {__atomic_load_n(&entry.learned, __ATOMIC_RELAXED),
            __atomic_load_n(&entry.usual_in_use, __ATOMIC_RELAXED),
            is_of_use(entry) || (entry.name[0] == '\0' && is_login_of_use(entry))};
}

int copy_applications(Application** copies) {
    const Size room = sizeof(Application) * static_cast<Size>(shared()->applications);
    *copies = static_cast<Application*>(palloc_extended(room, MCXT_ALLOC_HUGE));
    LWLockAcquire(lock(Lock::applications), LW_SHARED);
    const int count = shared()->applications_known;
    memcpy(static_cast<void*>(*copies), application(0),
           sizeof(Application) * static_cast<Size>(count));
    LWLockRelease(lock(Lock::applications));
    return count;
}

}  // namespace leash
