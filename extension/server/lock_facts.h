// What sessions hold and block, from PostgreSQL's lock table.
#pragma once

#include "server/compat.h"

extern "C" {
#include "storage/lock.h"
}

namespace leash {

struct LockFacts {
    uint32_t blocked_sessions;
    bool holds_locks;  // beside the lock on its own transaction id
    bool advisory_lock;
};

// A copy of the lock table.  Costs all its partitions' locks for a moment: taken
// only when a verdict depends on it.
class LockTable {
public:
    void read();
    bool was_read() const { return data_ != nullptr; }
    LockFacts of(int pid) const;

private:
    uint32_t count_blocked(const LockInstanceData& held) const;

    LockData* data_ = nullptr;
    bool somebody_waits_ = false;
};

bool holds_advisory_lock(int pid);

}  // namespace leash
