// Tells a session that is being ended why.
#pragma once

#include "server/compat.h"

namespace leash {

// Adds DETAIL and HINT to the FATAL error of a claimed session; nothing when this
// session was not claimed.  PostgreSQL supports no such edit of an error: this is
// the one place that does it, and never the only record of a reap.
void tell_victim(ErrorData* error);

}  // namespace leash
