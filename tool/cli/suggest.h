#pragma once

#include <string>
#include <string_view>
#include <vector>

namespace leash::tool {

/// The candidate that word was most likely meant to be: at most two slips
/// (a letter missing, added, wrong, or two swapped) away and closer than half
/// its length; empty when there is none.
std::string closest_word(std::string_view word, const std::vector<std::string>& candidates);

}  // namespace leash::tool
