// Globs for application names: * any text, ? one character, [a-z] [!a-z] a set,
// \ takes the next character literally.  The whole name must match; the empty glob
// matches the empty name.
#pragma once

#include <cstddef>

namespace leash {

inline constexpr size_t kMaxGlobLength = 63;  // bytes, as a name

enum class GlobProblem : unsigned char {
    none,
    open_set,        // a [ without its ]
    empty_set,       // [] or [!]
    reversed_range,  // [z-a] matches nothing
    open_escape,     // ends in a backslash
    too_long,        // more than kMaxGlobLength
};

GlobProblem check_glob(const char* pattern);

// One phrase that says what is wrong, for example "it has a [ without its ]".
const char* describe(GlobProblem problem);

// Linear in the text for each * (no exponential patterns).  A character is a valid
// UTF-8 sequence or else a byte.  A glob that check_glob refuses matches no more than
// what comes before its fault allows, and is safe to pass.
bool glob_matches(const char* pattern, const char* text);

}  // namespace leash
