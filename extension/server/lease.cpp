#include "server/lease.h"

#include "server/clock.h"
#include "server/session.h"

namespace leash {
namespace {

constexpr int kLooks = 100;

}  // namespace

bool read_lease(const SessionSlot& slot, Lease& copy) {
    for (int i = 0; i < kLooks; i++) {
        const uint32_t before = slot.lease_changes.begin_read();
        copy = slot.lease;
        if (slot.lease_changes.consistent(before)) {
            copy.reason[kReasonSize - 1] = '\0';
            return copy.until > monotonic_ns();
        }
    }
    return false;
}

// What is being written all the time, as it seems when its owner has lost its
// processor, is taken for a lease.
bool holds_lease(const SessionSlot& slot) {
    for (int i = 0; i < kLooks; i++) {
        const uint32_t before = slot.lease_changes.begin_read();
        const uint64_t until = slot.lease.until;
        if (slot.lease_changes.consistent(before)) {
            return until != 0 && until > monotonic_ns();
        }
    }
    return true;
}

void take_lease(const Lease& lease) {
    my_slot->lease_changes.begin_write();
    my_slot->lease = lease;
    my_slot->lease_changes.end_write();
}

bool drop_lease() {
    const bool had_one = holds_lease(*my_slot);
    my_slot->lease_changes.begin_write();
    my_slot->lease.until = 0;
    my_slot->lease_changes.end_write();
    return had_one;
}

}  // namespace leash
