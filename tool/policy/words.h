// A policy in a few words, for a line of a table.
#pragma once

#include <string>

#include "policy/row.h"

namespace leash::tool {

/// Whom it matches: "idle in txn, app web-*, blocks others"; "any session".
std::string matches_words(const PolicyRow& policy);

/// After how long: "idle 10min", "learned"; empty when age does not matter.
std::string age_words(const PolicyRow& policy);

}  // namespace leash::tool
