#include "glob.h"

#include <cstdint>
#include <cstring>

namespace leash {
namespace {

using Char = uint32_t;

// Bytes that are no valid UTF-8 come after all code points.
constexpr Char kByte = 0x110000;

bool continues(char c) {
    return (static_cast<unsigned char>(c) & 0xc0) == 0x80;
}

// Takes a character of more than one byte off the text; it does not start at its zero.
Char take_wide(const char*& text) {
    constexpr Char kSmallest[] = {0, 0, 0x80, 0x800, 0x10000};
    const auto first = static_cast<unsigned char>(*text++);
    const int size = first >= 0xf8   ? 0
                     : first >= 0xf0 ? 4
                     : first >= 0xe0 ? 3
                     : first >= 0xc0 ? 2
                                     : 0;
    Char value = first & (0x7f >> size);
    for (int i = 0; i < size - 1; i++) {
        if (!continues(text[i])) {
            return kByte + first;
        }
        value = value << 6 | (static_cast<unsigned char>(text[i]) & 0x3f);
    }
    const bool surrogate = value >= 0xd800 && value < 0xe000;
    if (size == 0 || value < kSmallest[size] || value >= kByte || surrogate) {
        return kByte + first;
    }
    text += size - 1;
    return value;
}

Char take(const char*& text) {
    return static_cast<unsigned char>(*text) < 0x80 ? static_cast<Char>(*text++) : take_wide(text);
}

// A character of one byte that stands for itself: most of most globs.
bool is_plain(char c) {
    return static_cast<unsigned char>(c) < 0x80 && c != '\0' && c != '?' && c != '[' && c != '\\';
}

// Takes a set off the pattern, from behind its [ to behind its ], and tells whether it
// holds `wanted`.
GlobProblem take_set(const char*& pattern, Char wanted, bool& holds) {
    const bool negated = *pattern == '!';
    pattern += negated ? 1 : 0;
    if (*pattern == ']') {
        return GlobProblem::empty_set;
    }
    bool found = false;
    while (*pattern != ']') {
        Char ends[2];
        for (int i = 0; i < 2; i++) {
            pattern += *pattern == '\\' ? 1 : 0;
            if (*pattern == '\0') {
                return GlobProblem::open_set;
            }
            ends[i] = take(pattern);
            // A - at the end of the set is itself.
            if (i == 0 && (pattern[0] != '-' || pattern[1] == ']')) {
                ends[1] = ends[0];
                break;
            }
            pattern += i == 0 ? 1 : 0;
        }
        if (ends[0] > ends[1]) {
            return GlobProblem::reversed_range;
        }
        found = found || (ends[0] <= wanted && wanted <= ends[1]);
    }
    pattern++;
    holds = found != negated;
    return GlobProblem::none;
}

// Matches one element of the pattern that is no *, and takes both off.
bool take_one(const char*& pattern, const char*& text) {
    const Char c = take(text);
    switch (*pattern) {
        case '\0':
            return false;
        case '?':
            pattern++;
            return true;
        case '[': {
            bool holds = false;
            pattern++;
            return take_set(pattern, c, holds) == GlobProblem::none && holds;
        }
        case '\\':
            pattern++;
            return *pattern != '\0' && take(pattern) == c;
        default:
            return take(pattern) == c;
    }
}

}  // namespace

GlobProblem check_glob(const char* pattern) {
    if (strlen(pattern) > kMaxGlobLength) {
        return GlobProblem::too_long;
    }
    while (*pattern != '\0') {
        if (*pattern == '[') {
            bool holds = false;
            pattern++;
            if (const GlobProblem problem = take_set(pattern, 0, holds);
                problem != GlobProblem::none) {
                return problem;
            }
        } else if (*pattern == '\\' && *++pattern == '\0') {
            return GlobProblem::open_escape;
        } else {
            take(pattern);
        }
    }
    return GlobProblem::none;
}

const char* describe(GlobProblem problem) {
    switch (problem) {
        case GlobProblem::none:
            break;
        case GlobProblem::open_set:
            return "it has a [ without its ]";
        case GlobProblem::empty_set:
            return "it has a set that names no character";
        case GlobProblem::reversed_range:
            return "it has a range whose end comes before its start";
        case GlobProblem::open_escape:
            return "it ends in a backslash";
        case GlobProblem::too_long:
            return "it is longer than 63 bytes, which no name is";
    }
    return "it is fine";
}

// After a mismatch only the last * need take more: what an earlier one could take
// besides, the last one can take too.
bool glob_matches(const char* pattern, const char* text) {
    const char* after_star = nullptr;
    const char* star_ends = nullptr;
    while (*text != '\0' || *pattern == '*') {
        if (*pattern == '*') {
            after_star = ++pattern;
            star_ends = text;
        } else if (*pattern == *text && is_plain(*pattern)) {
            pattern++;
            text++;
        } else if (is_plain(*pattern) || !take_one(pattern, text)) {
            if (after_star == nullptr) {
                return false;
            }
            take(star_ends);
            pattern = after_star;
            text = star_ends;
        }
    }
    return *pattern == '\0';
}

}  // namespace leash
