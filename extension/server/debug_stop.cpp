#include "server/debug_stop.h"

extern "C" {
#include "catalog/pg_database_d.h"
#include "storage/lock.h"
#include "storage/proc.h"
}

namespace leash {

void wait_for_test() {
    constexpr uint32 kKey = 1818322280;  // "lash"
    if (MyProc == nullptr) {
        return;  // the postmaster, which saves at its end
    }
    // The worker, which is in no database, meets those who are in "postgres".
    const Oid database = OidIsValid(MyDatabaseId) ? MyDatabaseId : Oid{PostgresDbOid};
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, database, 0, kKey, 1);
    // With a claim in flight an interrupt would leave it there.
    HOLD_INTERRUPTS();
    const int timeout = LockTimeout;
    LockTimeout = 0;
    (void)LockAcquire(&tag, ExclusiveLock, false, false);
    LockTimeout = timeout;
    LockRelease(&tag, ExclusiveLock, false);
    RESUME_INTERRUPTS();
}

}  // namespace leash
