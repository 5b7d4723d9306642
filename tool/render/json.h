// JSON with stable keys.
//
// The rule: a key is the SQL column's name.  Durations are numbers of seconds
// and their key ends in _seconds; instants are ISO 8601 in UTC; query_id is a
// string, since 64 bits do not survive JavaScript.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "render/dataset.h"

namespace leash::tool {

/// Raised when keys are renamed or change their meaning, not when some are added.
inline constexpr int kJsonSchemaVersion = 1;

nlohmann::ordered_json json_row(const Dataset& data, const Row& row);
nlohmann::ordered_json json_rows(const Dataset& data);

/// Text of a document: indented, or one line.  Bytes that are no UTF-8 become
/// U+FFFD; what could disturb a terminal is written as \uXXXX.
std::string json_text(const nlohmann::ordered_json& document, bool one_line);

}  // namespace leash::tool
