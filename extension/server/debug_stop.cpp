#include "server/debug_stop.h"

extern "C" {
#include "storage/lock.h"
}

namespace leash {

void wait_for_test() {
    constexpr uint32 kKey = 1818322280;  // "lash"
    LOCKTAG tag;
    SET_LOCKTAG_ADVISORY(tag, MyDatabaseId, 0, kKey, 1);
    // With a claim in flight an interrupt would leave it there.
    HOLD_INTERRUPTS();
    (void)LockAcquire(&tag, ExclusiveLock, false, false);
    LockRelease(&tag, ExclusiveLock, false);
    RESUME_INTERRUPTS();
}

}  // namespace leash
