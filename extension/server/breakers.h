// The breakers of groups.  Under Lock::round.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Null when the group has none.
Breaker* find_breaker(uint64_t group);

// Makes one, in place of the least used one when there are too many.
Breaker& need_breaker(uint64_t group);

}  // namespace leash
