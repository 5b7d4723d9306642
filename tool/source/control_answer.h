// What the worker answers over its socket, taken apart.
#pragma once

#include <string>

#include <nlohmann/json.hpp>

#include "source/selection.h"

namespace leash::tool {

/// Empty when there is none.
std::string answer_text(const nlohmann::json& object, const char* key);

/// A count, such as those of slots; 0 when there is none.
int answer_number(const nlohmann::json& object, const char* key);

/// The rows, each with as many cells as there are columns.  Throws ControlError.
RawRows rows_of_answer(const nlohmann::json& document);

}  // namespace leash::tool
