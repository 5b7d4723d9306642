#include "server/breakers.h"

namespace leash {
namespace {

// A group's breaker is in one of a few places from the one that its number gives, so
// that looking for one costs the same however many there are.
constexpr int kPlaces = 8;

Breaker* place(uint64_t group, int i) {
    return breaker(static_cast<int>((group + static_cast<uint64_t>(i)) % kBreakerCount));
}

}  // namespace

Breaker* find_breaker(uint64_t group) {
    for (int i = 0; i < kPlaces; i++) {
        if (place(group, i)->group == group) {
            return place(group, i);
        }
    }
    return nullptr;
}

Breaker& need_breaker(uint64_t group) {
    if (Breaker* const found = find_breaker(group)) {
        return *found;
    }
    Breaker* oldest = place(group, 0);
    for (int i = 0; i < kPlaces; i++) {
        Breaker* const at = place(group, i);
        if (at->group == 0) {
            oldest = at;
            break;
        }
        if (Max(at->open_until, at->last_reap) < Max(oldest->open_until, oldest->last_reap)) {
            oldest = at;
        }
    }
    *oldest = {};
    oldest->group = group;
    return *oldest;
}

}  // namespace leash
