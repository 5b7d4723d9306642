// What sessions hold and block, from PostgreSQL's lock table.
#pragma once

#include "server/compat.h"

extern "C" {
#include "storage/lock.h"
}

namespace leash {

struct LockFacts {
    uint32_t blocked_sessions;  // that wait for what it holds, or for such a session
    bool holds_locks;           // beside the lock on its own transaction id
    bool advisory_lock;
};

// Finds members of a list by a hash of their key: those in one bucket are linked.
class HashChains {
public:
    static constexpr int kEnd = -1;

    void make(int capacity);
    void add(int member, uint32 hash);
    int first(uint32 hash) const { return heads_[hash & mask_]; }
    int after(int member) const { return next_[member]; }

private:
    int* heads_;
    int* next_;
    uint32 mask_;
};

// A copy of the lock table.  Costs all its partitions' locks for a moment: taken
// only when a verdict depends on it.  What is asked of it afterwards takes time by the
// locks of the session that is asked about, and by those who wait for them.
class LockTable {
public:
    void read();
    bool was_read() const { return data_ != nullptr; }

    // Parallel workers count with their leader.
    LockFacts of(int pid);

    // The sessions that hold what the session `pid` waits for, each once; 0 stands for
    // a prepared transaction.  Whoever merely stands before it in the queue holds
    // nothing yet, and is not one.  Returns how many, at most `most`.
    int blockers_of(int pid, int* pids, int most) const;

private:
    struct Wait {
        int lock;            // its number in data_
        LOCKMASK conflicts;  // with the mode that is waited for
        int session;         // its number in waiting_
    };
    struct Waiting {
        int pid;
        uint32 question;  // the last one that it was counted for
    };

    const LockInstanceData& lock(int number) const { return data_->locks[number]; }
    void index_waits();
    int session_of(int pid);
    int note_blocked(const LockInstanceData& held, int pid, int count);
    uint32_t count_blocked(int pid);

    LockData* data_ = nullptr;
    HashChains held_by_leader_;  // members: locks
    HashChains held_by_tag_;
    Wait* waits_ = nullptr;
    int wait_count_ = 0;
    HashChains waits_by_tag_;  // members: waits
    HashChains waits_by_leader_;
    Waiting* waiting_ = nullptr;
    int waiting_count_ = 0;
    int* blocked_ = nullptr;  // those counted for this question, by their number
    uint32 question_ = 0;
};

bool holds_advisory_lock(int pid);

}  // namespace leash
