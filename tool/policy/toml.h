// Policies as the text of a file that parse_policies() reads back to the same rows.
#pragma once

#include <span>
#include <string>

#include "policy/row.h"

namespace leash::tool {

/// The value as it stands after "key = "; "-" when there is none.
std::string toml_value(const PolicyValue& value);

/// One [[policy]]: what is given, and mode and action always.
std::string policy_toml(const PolicyRow& policy);

std::string policies_toml(std::span<const PolicyRow> policies);

}  // namespace leash::tool
