// Questions before something is done that cannot be undone.
#pragma once

#include <cstddef>
#include <string>

namespace leash::tool {

/// Whether somebody sits there who can be asked.
bool can_ask();

/// "question [y/N] "; true when the answer is yes.
bool confirm(const std::string& question);

/// True when the answer is that number.
bool confirm_number(const std::string& question, std::size_t number);

}  // namespace leash::tool
