#include "core/glob.h"

#include <vector>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

bool has(const std::string& text, std::string_view any) {
    return text.find_first_of(any) != std::string::npos;
}

bool is_ascii(const std::string& text) {
    for (const char c : text) {
        if (static_cast<unsigned char>(c) >= 0x80) {
            return false;
        }
    }
    return true;
}

std::string escaped(const std::string& text) {
    std::string out;
    for (const char c : text) {
        out += strchr("*?[\\", c) != nullptr ? "\\" : "";
        out += c;
    }
    return out;
}

// The obvious way, for globs of one-byte characters, * and ?.
bool matches_simply(const std::string& glob, const std::string& text) {
    std::vector<bool> row(text.size() + 1, false);
    row[0] = true;
    for (const char c : glob) {
        std::vector<bool> next(text.size() + 1, false);
        next[0] = c == '*' && row[0];
        for (size_t i = 1; i <= text.size(); i++) {
            next[i] =
                c == '*' ? row[i] || next[i - 1] : row[i - 1] && (c == '?' || c == text[i - 1]);
        }
        row = next;
    }
    return row[text.size()];
}

}  // namespace
}  // namespace leash::fuzz

// A glob, a line feed, a text.
FUZZ_TARGET(glob) {
    Input input(data, size);
    const std::string glob = input.line();
    const std::string text = input.text();
    Exactly glob_copy(std::string_view(glob.c_str(), glob.size() + 1));
    Exactly text_copy(std::string_view(text.c_str(), text.size() + 1));
    const GlobProblem problem = check_glob(glob_copy.data());
    const bool matches = glob_matches(glob_copy.data(), text_copy.data());
    must(describe(problem)[0] != '\0', "a problem has a name");
    must(glob_matches(escaped(text).c_str(), text.c_str()), "a text in escapes matches itself");
    if (!has(glob, "*?[\\")) {
        must(matches == (glob == text), "a glob without wildcards matches itself alone");
    }
    if (is_ascii(glob) && is_ascii(text) && !has(glob, "[\\")) {
        must(matches == matches_simply(glob, text), "* and ? match as they should");
    }
    if (problem == GlobProblem::none && matches) {
        must(glob_matches(('*' + glob).c_str(), text.c_str()), "a * before it takes nothing away");
        must(glob_matches((glob + '*').c_str(), text.c_str()), "a * after it takes nothing away");
    }
}
