// Globs for application names: * any text, ? one character, [a-z] [!a-z] a set,
// \ takes the next character literally.  The whole name must match.
#pragma once

namespace leash {

enum class GlobProblem : unsigned char {
    none,
    empty,        // matches the empty name only: write '' as \ or use *
    open_set,     // a [ without its ]
    empty_set,    // matches nothing
    open_escape,  // ends in a backslash
    too_long,     // longer than a name can be, without a *
};

GlobProblem check_glob(const char* pattern);
const char* describe(GlobProblem problem);

// Linear in the text for each * (no exponential patterns).  Byte by byte, ? and sets
// take a whole UTF-8 character where there is a valid one.
bool glob_matches(const char* pattern, const char* text);

}  // namespace leash
