// Which utility statements can carry a password.
#pragma once

#include "server/compat.h"

namespace leash {

// True for statements whose text must not be stored: roles with a password, and
// all that takes free-form connection options.
bool carries_secret(const Node* statement);

}  // namespace leash
