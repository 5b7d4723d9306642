#include "server/lock_facts.h"

namespace leash {
namespace {

bool same_object(const LOCKTAG& a, const LOCKTAG& b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

}  // namespace

void LockTable::read() {
    data_ = GetLockStatusData();
    for (int i = 0; i < data_->nelements; i++) {
        somebody_waits_ = somebody_waits_ || data_->locks[i].waitLockMode != NoLock;
    }
}

// How many sessions wait for what `held` holds.
uint32_t LockTable::count_blocked(const LockInstanceData& held) const {
    uint32_t count = 0;
    for (int i = 0; i < data_->nelements; i++) {
        const LockInstanceData& other = data_->locks[i];
        if (other.pid == held.pid || other.waitLockMode == NoLock ||
            !same_object(other.locktag, held.locktag)) {
            continue;
        }
        for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++) {
            if ((held.holdMask & LOCKBIT_ON(mode)) != 0 &&
                DoLockModesConflict(other.waitLockMode, mode)) {
                count++;
                break;
            }
        }
    }
    return count;
}

LockFacts LockTable::of(int pid) const {
    LockFacts facts{};
    for (int i = 0; i < data_->nelements; i++) {
        const LockInstanceData& lock = data_->locks[i];
        if (lock.pid != pid || lock.holdMask == 0) {
            continue;
        }
        const auto type = static_cast<LockTagType>(lock.locktag.locktag_type);
        if (type == LOCKTAG_ADVISORY) {
            facts.advisory_lock = true;
        }
        if (type != LOCKTAG_VIRTUALTRANSACTION) {
            facts.holds_locks = true;
        }
        if (somebody_waits_) {
            facts.blocked_sessions += count_blocked(lock);
        }
    }
    return facts;
}

bool holds_advisory_lock(int pid) {
    LockTable table;
    table.read();
    return table.of(pid).advisory_lock;
}

}  // namespace leash
