#include "server/policy_store.h"

#include "server/worker.h"

extern "C" {
#include "mb/pg_wchar.h"
}

namespace leash {
namespace {

// What a round remembers of one policy.
struct Memory {
    char name[kNameSize];
    PolicyProgress progress;
    uint32_t ended_by_second[60];
    uint64_t brake_second;
};

int recall(const PolicySet& set, Memory* memories) {
    for (int i = 0; i < set.count; i++) {
        Memory& memory = memories[i];
        strlcpy(memory.name, set.policies[i].name, sizeof memory.name);
        memory.progress = set.progress[i];
        memcpy(memory.ended_by_second, set.ended_by_second[i], sizeof memory.ended_by_second);
        memory.brake_second = set.brake_second[i];
    }
    return set.count;
}

const Memory* find(const Memory* memories, int count, const char* name) {
    for (int i = 0; i < count; i++) {
        if (strcmp(memories[i].name, name) == 0) {
            return &memories[i];
        }
    }
    return nullptr;
}

void restore(PolicySet& set, int i, const Memory* memory) {
    set.progress[i] = memory != nullptr ? memory->progress : PolicyProgress{};
    set.brake_second[i] = memory != nullptr ? memory->brake_second : 0;
    if (memory != nullptr) {
        memcpy(set.ended_by_second[i], memory->ended_by_second, sizeof set.ended_by_second[i]);
    } else {
        memset(set.ended_by_second[i], 0, sizeof set.ended_by_second[i]);
    }
}

bool same_policies(const PolicySet& set, const Policy* policies, int count) {
    return set.count == count &&
           (count == 0 ||
            memcmp(set.policies, policies, sizeof(Policy) * static_cast<size_t>(count)) == 0);
}

// Under Lock::policies.  False when something newer is in force.
bool replace(const Policy* policies, int count, uint64_t wanted, Memory* memories) {
    PolicySet& set = *policy_set();
    if (pg_atomic_read_u64(&shared()->policies_read) > wanted) {
        return false;
    }
    pg_atomic_write_u64(&shared()->policies_read, wanted);
    if (same_policies(set, policies, count)) {
        return true;
    }
    const int remembered = recall(set, memories);
    for (int i = 0; i < count; i++) {
        set.policies[i] = policies[i];
        restore(set, i, find(memories, remembered, policies[i].name));
    }
    set.count = count;
    set.version++;
    return true;
}

// Under Lock::policies.  Whether it is another reason than before.
bool set_error(PolicySet& set, const char* reason) {
    char clipped[kErrorSize];
    const int length = pg_mbcliplen(reason, static_cast<int>(strlen(reason)), kErrorSize - 1);
    memcpy(clipped, reason, static_cast<size_t>(length));
    clipped[length] = '\0';
    const bool changed = strcmp(set.error, clipped) != 0;
    strlcpy(set.error, clipped, sizeof set.error);
    return changed;
}

}  // namespace

void store_policies(const Policy* policies, int count, uint64_t wanted) {
    PolicySet& set = *policy_set();
    auto* const memories = static_cast<Memory*>(palloc(sizeof(Memory) * kMaxPolicies));
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    if (replace(policies, count, wanted, memories)) {
        set.loaded_at = GetCurrentTimestamp();
        set.error[0] = '\0';
    }
    LWLockRelease(lock(Lock::policies));
    pfree(memories);
}

void keep_policies(const char* reason) {
    PolicySet& set = *policy_set();
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    const bool news = set_error(set, reason);
    const int count = set.count;
    LWLockRelease(lock(Lock::policies));
    if (news) {
        ereport(LOG, (errmsg("pg_leash could not read its policies: %s", reason),
                      errdetail_plural("%d policy stays in force as it was read last.",
                                       "%d policies stay in force as they were read last.",
                                       static_cast<unsigned long>(count), count)));
    }
}

void drop_policies(const char* reason, uint64_t wanted) {
    PolicySet& set = *policy_set();
    auto* const memories = static_cast<Memory*>(palloc(sizeof(Memory) * kMaxPolicies));
    bool news = false;
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    if (replace(nullptr, 0, wanted, memories)) {
        set.loaded_at = 0;
        news = set_error(set, reason);
    }
    LWLockRelease(lock(Lock::policies));
    pfree(memories);
    if (news) {
        ereport(LOG, (errmsg("pg_leash has no policies: %s", reason)));
    }
}

void want_policies() {
    pg_atomic_fetch_add_u64(&shared()->policies_wanted, 1);
    wake_worker();
}

void read_policy_status(PolicyStatus& status) {
    const PolicySet& policies = *policy_set();
    LWLockAcquire(lock(Lock::policies), LW_SHARED);
    status.count = policies.count;
    status.loaded_at = policies.loaded_at;
    memcpy(status.error, policies.error, sizeof status.error);
    status.notices_lost = shared()->notices_lost;
    LWLockRelease(lock(Lock::policies));
    status.error[sizeof status.error - 1] = '\0';
}

PolicySet* copy_policies() {
    const PolicySet& set = *policy_set();
    auto* const copy = static_cast<PolicySet*>(palloc(sizeof(PolicySet)));
    LWLockAcquire(lock(Lock::policies), LW_SHARED);
    const auto count = static_cast<size_t>(set.count);
    memcpy(static_cast<void*>(copy), &set, offsetof(PolicySet, policies));
    memcpy(copy->policies, set.policies, sizeof(Policy) * count);
    memcpy(copy->progress, set.progress, sizeof(PolicyProgress) * count);
    memcpy(copy->ended_by_second, set.ended_by_second, sizeof set.ended_by_second[0] * count);
    memcpy(copy->brake_second, set.brake_second, sizeof(uint64_t) * count);
    LWLockRelease(lock(Lock::policies));
    return copy;
}

}  // namespace leash
