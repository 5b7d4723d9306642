#include "server/lock_facts.h"

extern "C" {
#include "common/hashfn.h"
#include "port/pg_bitutils.h"
}

namespace leash {
namespace {

bool same_object(const LOCKTAG& a, const LOCKTAG& b) {
    return memcmp(&a, &b, sizeof a) == 0;
}

uint32 hash_of(const LOCKTAG& tag) {
    return hash_bytes(reinterpret_cast<const unsigned char*>(&tag), sizeof tag);
}

uint32 hash_of(int pid) {
    return hash_bytes_uint32(static_cast<uint32>(pid));
}

template <class T>
T* make_array(int count) {
    return static_cast<T*>(
        palloc_extended(sizeof(T) * static_cast<Size>(Max(count, 1)), MCXT_ALLOC_HUGE));
}

LOCKMASK conflicts_of(LOCKMODE wanted) {
    LOCKMASK mask = 0;
    for (LOCKMODE mode = 1; mode <= MaxLockMode; mode++) {
        if (DoLockModesConflict(wanted, mode)) {
            mask |= LOCKBIT_ON(mode);
        }
    }
    return mask;
}

}  // namespace

void HashChains::make(int capacity) {
    const uint32 buckets = pg_nextpower2_32(static_cast<uint32>(Max(capacity, 1)) * 2);
    heads_ = make_array<int>(static_cast<int>(buckets));
    next_ = make_array<int>(capacity);
    mask_ = buckets - 1;
    for (uint32 i = 0; i < buckets; i++) {
        heads_[i] = kEnd;
    }
}

void HashChains::add(int member, uint32 hash) {
    next_[member] = heads_[hash & mask_];
    heads_[hash & mask_] = member;
}

void LockTable::read() {
    data_ = GetLockStatusData();
    held_by_leader_.make(data_->nelements);
    waits_ = make_array<Wait>(data_->nelements);
    for (int i = 0; i < data_->nelements; i++) {
        if (lock(i).holdMask != 0) {
            held_by_leader_.add(i, hash_of(lock(i).leaderPid));
        }
        if (lock(i).waitLockMode != NoLock) {
            waits_[wait_count_++] = {i, conflicts_of(lock(i).waitLockMode), 0};
        }
    }
    if (wait_count_ > 0) {
        index_waits();
    }
}

void LockTable::index_waits() {
    held_by_tag_.make(data_->nelements);
    for (int i = 0; i < data_->nelements; i++) {
        if (lock(i).holdMask != 0) {
            held_by_tag_.add(i, hash_of(lock(i).locktag));
        }
    }
    waits_by_tag_.make(wait_count_);
    waits_by_leader_.make(wait_count_);
    waiting_ = make_array<Waiting>(wait_count_);
    blocked_ = make_array<int>(wait_count_);
    for (int i = 0; i < wait_count_; i++) {
        const LockInstanceData& wanted = lock(waits_[i].lock);
        waits_[i].session = session_of(wanted.leaderPid);
        waits_by_leader_.add(i, hash_of(wanted.leaderPid));
        waits_by_tag_.add(i, hash_of(wanted.locktag));
    }
}

// The number of a session that waits; a new one if none of its waits is indexed yet.
int LockTable::session_of(int pid) {
    for (int i = waits_by_leader_.first(hash_of(pid)); i != HashChains::kEnd;
         i = waits_by_leader_.after(i)) {
        if (lock(waits_[i].lock).leaderPid == pid) {
            return waits_[i].session;
        }
    }
    waiting_[waiting_count_] = {pid, 0};
    return waiting_count_++;
}

// Adds to blocked_ the sessions that wait for what `held` holds, and returns how many
// there are then; `pid` is the session that is asked about.
int LockTable::note_blocked(const LockInstanceData& held, int pid, int count) {
    for (int i = waits_by_tag_.first(hash_of(held.locktag)); i != HashChains::kEnd;
         i = waits_by_tag_.after(i)) {
        const Wait& wait = waits_[i];
        Waiting& session = waiting_[wait.session];
        if ((held.holdMask & wait.conflicts) != 0 && session.question != question_ &&
            session.pid != held.leaderPid && session.pid != pid &&
            same_object(lock(wait.lock).locktag, held.locktag)) {
            session.question = question_;
            blocked_[count++] = wait.session;
        }
    }
    return count;
}

// Who waits for a row waits for the first who does: all of them are blocked.
uint32_t LockTable::count_blocked(int pid) {
    question_++;
    int count = 0;
    int blocker = pid;
    for (int done = 0;; done++) {
        for (int i = held_by_leader_.first(hash_of(blocker)); i != HashChains::kEnd;
             i = held_by_leader_.after(i)) {
            if (lock(i).leaderPid == blocker) {
                count = note_blocked(lock(i), pid, count);
            }
        }
        if (done == count) {
            return static_cast<uint32_t>(count);
        }
        blocker = waiting_[blocked_[done]].pid;
    }
}

LockFacts LockTable::of(int pid) {
    LockFacts facts{};
    for (int i = held_by_leader_.first(hash_of(pid)); i != HashChains::kEnd;
         i = held_by_leader_.after(i)) {
        if (lock(i).leaderPid == pid) {
            const auto type = static_cast<LockTagType>(lock(i).locktag.locktag_type);
            facts.advisory_lock = facts.advisory_lock || type == LOCKTAG_ADVISORY;
            facts.holds_locks = facts.holds_locks || type != LOCKTAG_VIRTUALTRANSACTION;
        }
    }
    facts.blocked_sessions = wait_count_ > 0 ? count_blocked(pid) : 0;
    return facts;
}

int LockTable::blockers_of(int pid, int* pids, int most) const {
    int count = 0;
    if (wait_count_ == 0) {
        return 0;
    }
    const auto add = [&](int blocker) {
        for (int i = 0; i < count; i++) {
            if (pids[i] == blocker) {
                return;
            }
        }
        if (count < most) {
            pids[count++] = blocker;
        }
    };
    for (int w = waits_by_leader_.first(hash_of(pid)); w != HashChains::kEnd;
         w = waits_by_leader_.after(w)) {
        const LockInstanceData& wanted = lock(waits_[w].lock);
        if (wanted.leaderPid != pid) {
            continue;
        }
        for (int i = held_by_tag_.first(hash_of(wanted.locktag)); i != HashChains::kEnd;
             i = held_by_tag_.after(i)) {
            const LockInstanceData& held = lock(i);
            if ((held.holdMask & waits_[w].conflicts) != 0 && held.leaderPid != pid &&
                same_object(held.locktag, wanted.locktag)) {
                add(held.leaderPid);
            }
        }
    }
    return count;
}

bool holds_advisory_lock(int pid) {
    LockTable table;
    table.read();
    return table.of(pid).advisory_lock;
}

}  // namespace leash
