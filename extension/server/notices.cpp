// Notifications on their way from the worker to the clerk.
#include "server/clerk.h"

namespace leash {

void send_notice(const char* payload) {
    SharedState& state = *shared();
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    if (state.notices < kNoticeCount) {
        Notice& next = *notice(static_cast<int>(state.notices++));
        strlcpy(next.payload, payload, sizeof next.payload);
    } else {
        state.notices_lost++;
    }
    LWLockRelease(lock(Lock::policies));
}

Notice* take_notices(int& count) {
    SharedState& state = *shared();
    auto* const taken = static_cast<Notice*>(palloc(sizeof(Notice) * kNoticeCount));
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    count = static_cast<int>(state.notices);
    memcpy(taken, notice(0), sizeof(Notice) * state.notices);
    state.notices = 0;
    LWLockRelease(lock(Lock::policies));
    return taken;
}

void lose_notices(int count) {
    LWLockAcquire(lock(Lock::policies), LW_EXCLUSIVE);
    shared()->notices_lost += static_cast<uint32_t>(count);
    LWLockRelease(lock(Lock::policies));
}

void log_notices(const Notice* notices, int count) {
    for (int i = 0; i < count; i++) {
        ereport(LOG, (errmsg("pg_leash: %s", notices[i].payload)));
    }
}

}  // namespace leash
