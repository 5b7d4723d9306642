// What the tool itself can tell of a policy's values: everything that core/ knows.
#pragma once

#include <string>

#include "policy/file.h"

namespace leash::tool {

/// What is wrong with a value of a list, or of a word such as mode; empty: nothing.
std::string check_word(const PolicyColumn& column, const std::string& text);

/// Adds what is wrong with a policy as a whole: values out of range, values that do
/// not go together.
void check_policy(const FilePolicy& policy, std::vector<FileProblem>& problems);

/// What is wrong with a name; empty: nothing.
std::string check_name(const std::string& name);

}  // namespace leash::tool
