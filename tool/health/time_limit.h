#pragma once

#include <string>

namespace leash::tool {

/// From now on the process lives for so long: then it writes `last_words` to standard
/// output and ends with that status, whatever it waits for, be it a name server or a
/// host that accepts and never answers.
void limit_time(double seconds, const std::string& last_words, int exit_status);

}  // namespace leash::tool
