// Whether a policy's columns make sense together.
#pragma once

#include "core/policy.h"

#include "server/compat.h"

namespace leash {

// Raises an ERROR for a policy that would act on sessions at once, or on none ever.
void check_policy(const Policy& policy);

// WARNINGs about columns that change nothing with this action.
void warn_without_effect(const Policy& policy);

}  // namespace leash
