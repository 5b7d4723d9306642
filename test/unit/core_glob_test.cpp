#include "core/glob.h"

#include <gtest/gtest.h>

#include <optional>
#include <random>
#include <string>
#include <vector>

namespace leash {
namespace {

bool matches(const std::string& pattern, const std::string& text) {
    return glob_matches(pattern.c_str(), text.c_str());
}

TEST(Glob, Literal) {
    EXPECT_TRUE(matches("billing", "billing"));
    EXPECT_FALSE(matches("billing", "Billing"));
    EXPECT_FALSE(matches("billing", "billing "));
    EXPECT_FALSE(matches("billing", "billin"));
    EXPECT_FALSE(matches("billing", ""));
}

TEST(Glob, EmptyName) {
    EXPECT_TRUE(matches("", ""));
    EXPECT_FALSE(matches("", "a"));
    EXPECT_TRUE(matches("*", ""));
    EXPECT_TRUE(matches("**", ""));
    EXPECT_FALSE(matches("?", ""));
    EXPECT_FALSE(matches("[!a]", ""));
    EXPECT_FALSE(matches("*a", ""));
    EXPECT_EQ(check_glob(""), GlobProblem::none);
}

TEST(Glob, Star) {
    EXPECT_TRUE(matches("*", "anything"));
    EXPECT_TRUE(matches("web-*", "web-"));
    EXPECT_TRUE(matches("web-*", "web-7"));
    EXPECT_FALSE(matches("web-*", "web"));
    EXPECT_TRUE(matches("*-worker", "a-worker-worker"));
    EXPECT_TRUE(matches("a*b*c", "a-b-b-c-b-c"));
    EXPECT_FALSE(matches("a*b*c", "a-b-b-c-b"));
    EXPECT_TRUE(matches("a**b", "ab"));
    EXPECT_TRUE(matches("*ab*", "aab"));
}

TEST(Glob, QuestionMark) {
    EXPECT_TRUE(matches("w?b", "web"));
    EXPECT_FALSE(matches("w?b", "wb"));
    EXPECT_FALSE(matches("w?b", "weeb"));
    EXPECT_TRUE(matches("*??", "ab"));
    EXPECT_FALSE(matches("*??", "a"));
}

TEST(Glob, Sets) {
    EXPECT_TRUE(matches("app[0-9]", "app7"));
    EXPECT_FALSE(matches("app[0-9]", "appx"));
    EXPECT_TRUE(matches("app[!0-9]", "appx"));
    EXPECT_FALSE(matches("app[!0-9]", "app7"));
    EXPECT_TRUE(matches("[abc-ex]", "d"));
    EXPECT_FALSE(matches("[abc-ex]", "f"));
    EXPECT_TRUE(matches("[a!]", "!"));
    EXPECT_TRUE(matches("[*?]", "*"));
    EXPECT_FALSE(matches("[*?]", "a"));
    EXPECT_TRUE(matches("*[0-9]", "a1b2"));
    EXPECT_FALSE(matches("*[0-9]", "a1b"));
    EXPECT_TRUE(matches("[[]x", "[x"));
}

TEST(Glob, DashesInSets) {
    for (const char* pattern : {"[a-]", "[-a]"}) {
        EXPECT_TRUE(matches(pattern, "-"));
        EXPECT_TRUE(matches(pattern, "a"));
        EXPECT_FALSE(matches(pattern, "b"));
        EXPECT_EQ(check_glob(pattern), GlobProblem::none);
    }
    EXPECT_TRUE(matches("[!-]", "a"));
    EXPECT_FALSE(matches("[!-]", "-"));
    EXPECT_TRUE(matches("[a\\-z]", "-"));
    EXPECT_FALSE(matches("[a\\-z]", "b"));
}

TEST(Glob, Escapes) {
    EXPECT_TRUE(matches("\\*", "*"));
    EXPECT_FALSE(matches("\\*", "a"));
    EXPECT_TRUE(matches("100\\?", "100?"));
    EXPECT_FALSE(matches("100\\?", "1000"));
    EXPECT_TRUE(matches("\\[a]", "[a]"));
    EXPECT_TRUE(matches("\\\\", "\\"));
    EXPECT_TRUE(matches("[\\]]", "]"));
    EXPECT_TRUE(matches("[\\!a]", "!"));
    EXPECT_TRUE(matches("a]", "a]"));
}

TEST(Glob, Utf8) {
    EXPECT_TRUE(matches("caf?", "café"));
    EXPECT_FALSE(matches("caf??", "café"));
    EXPECT_TRUE(matches("?", "€"));
    EXPECT_TRUE(matches("?", "😀"));
    EXPECT_TRUE(matches("[à-ü]", "é"));
    EXPECT_FALSE(matches("[à-ü]", "e"));
    EXPECT_TRUE(matches("[!a]", "€"));
    EXPECT_FALSE(matches("*??", "€"));
    EXPECT_TRUE(matches("\\€*", "€5"));
    EXPECT_FALSE(matches("*\xac", "€"));  // its last byte
}

TEST(Glob, InvalidUtf8IsTakenByteByByte) {
    EXPECT_TRUE(matches("??", "\xff\xfe"));
    EXPECT_TRUE(matches("?", "\x80"));
    EXPECT_TRUE(matches("??", "\xe2\x82"));            // cut short
    EXPECT_TRUE(matches("??", "\xc0\xaf"));            // longer than need be
    EXPECT_TRUE(matches("???", "\xed\xa0\x80"));       // half of a pair
    EXPECT_TRUE(matches("????", "\xf4\x90\x80\x80"));  // beyond Unicode
    EXPECT_TRUE(matches("?????", "\xf8\x88\x80\x80\x80"));
    EXPECT_TRUE(matches("?a",
                        "\xe2"
                        "a"));
    EXPECT_TRUE(matches("a\xff*",
                        "a\xff"
                        "b"));
    EXPECT_FALSE(matches("\xfe", "\xff"));
}

TEST(Glob, Problems) {
    EXPECT_EQ(check_glob("web-*[0-9]?\\*"), GlobProblem::none);
    for (const char* pattern : {"[", "[a", "a[", "[!", "[a-", "[a\\", "[a\\]", "x[a-\\"}) {
        EXPECT_EQ(check_glob(pattern), GlobProblem::open_set) << pattern;
    }
    EXPECT_EQ(check_glob("[]"), GlobProblem::empty_set);
    EXPECT_EQ(check_glob("[!]"), GlobProblem::empty_set);
    EXPECT_EQ(check_glob("[]a]"), GlobProblem::empty_set);
    EXPECT_EQ(check_glob("a[z-a]"), GlobProblem::reversed_range);
    EXPECT_EQ(check_glob("[ü-à]"), GlobProblem::reversed_range);
    EXPECT_EQ(check_glob("[a-a]"), GlobProblem::none);
    EXPECT_EQ(check_glob("\\"), GlobProblem::open_escape);
    EXPECT_EQ(check_glob("a*\\"), GlobProblem::open_escape);
    EXPECT_EQ(check_glob("a\\\\"), GlobProblem::none);
    EXPECT_EQ(check_glob(std::string(63, '*').c_str()), GlobProblem::none);
    EXPECT_EQ(check_glob(std::string(64, 'a').c_str()), GlobProblem::too_long);
    EXPECT_EQ(check_glob((std::string(63, 'a') + "*").c_str()), GlobProblem::too_long);
}

TEST(Glob, EachProblemIsSaid) {
    EXPECT_STREQ(describe(GlobProblem::open_set), "it has a [ without its ]");
    EXPECT_STREQ(describe(GlobProblem::empty_set), "it has a set that names no character");
    EXPECT_STREQ(describe(GlobProblem::reversed_range),
                 "it has a range whose end comes before its start");
    EXPECT_STREQ(describe(GlobProblem::open_escape), "it ends in a backslash");
    EXPECT_STREQ(describe(GlobProblem::too_long), "it is longer than 63 bytes, which no name is");
}

TEST(Glob, WhatIsRefusedMatchesNothingFromItsFaultOn) {
    for (const char* pattern : {"[a", "[", "a\\", "[]", "[z-a]"}) {
        for (const char* text : {"", "a", "[", "[a", "\\", "a\\", "z"}) {
            EXPECT_FALSE(matches(pattern, text)) << pattern << " " << text;
        }
    }
}

// ---- a matcher that is slow and plain, to compare with -------------------------

using Chars = std::vector<uint32_t>;

// Independent of the code under test: by ranges of bytes, as in the Unicode standard
// (table 3-7).
Chars decode(const std::string& text) {
    const auto at = [&](size_t i) -> unsigned {
        return i < text.size() ? static_cast<unsigned char>(text[i]) : 0;
    };
    const auto in = [](unsigned byte, unsigned low, unsigned high) {
        return byte >= low && byte <= high;
    };
    Chars chars;
    for (size_t i = 0; i < text.size();) {
        const unsigned a = at(i);
        const unsigned b = at(i + 1);
        const unsigned c = at(i + 2);
        const unsigned d = at(i + 3);
        const bool tail = in(c, 0x80, 0xbf);
        if (in(a, 0xc2, 0xdf) && in(b, 0x80, 0xbf)) {
            chars.push_back((a & 31) << 6 | (b & 63));
            i += 2;
        } else if (in(a, 0xe0, 0xef) && tail &&
                   in(b, a == 0xe0 ? 0xa0 : 0x80, a == 0xed ? 0x9f : 0xbf)) {
            chars.push_back((a & 15) << 12 | (b & 63) << 6 | (c & 63));
            i += 3;
        } else if (in(a, 0xf0, 0xf4) && tail && in(d, 0x80, 0xbf) &&
                   in(b, a == 0xf0 ? 0x90 : 0x80, a == 0xf4 ? 0x8f : 0xbf)) {
            chars.push_back((a & 7) << 18 | (b & 63) << 12 | (c & 63) << 6 | (d & 63));
            i += 4;
        } else {
            chars.push_back(a < 0x80 ? a : 0x110000 + a);
            i++;
        }
    }
    return chars;
}

struct Element {
    enum { star, any, one_of, none_of } kind;
    std::vector<std::pair<uint32_t, uint32_t>> ranges;
};

// Nothing when the pattern is not to be accepted.
std::optional<std::vector<Element>> parse(const Chars& p) {
    std::vector<Element> elements;
    for (size_t i = 0; i < p.size(); i++) {
        if (p[i] == '*') {
            elements.push_back({Element::star, {}});
        } else if (p[i] == '?') {
            elements.push_back({Element::any, {}});
        } else if (p[i] == '\\') {
            if (++i == p.size()) {
                return std::nullopt;
            }
            elements.push_back({Element::one_of, {{p[i], p[i]}}});
        } else if (p[i] == '[') {
            Element element{Element::one_of, {}};
            if (++i < p.size() && p[i] == '!') {
                element.kind = Element::none_of;
                i++;
            }
            // First what is literal and what is not, then the ranges.
            std::vector<std::pair<uint32_t, bool>> items;
            for (; i < p.size() && p[i] != ']'; i++) {
                const bool escaped = p[i] == '\\';
                i += escaped ? 1 : 0;
                if (i < p.size()) {
                    items.emplace_back(p[i], escaped);
                }
            }
            if (i >= p.size() || items.empty()) {
                return std::nullopt;
            }
            for (size_t k = 0; k < items.size(); k++) {
                const bool range =
                    k + 2 < items.size() && items[k + 1] == std::pair{uint32_t{'-'}, false};
                element.ranges.emplace_back(items[k].first, items[range ? k + 2 : k].first);
                if (element.ranges.back().first > element.ranges.back().second) {
                    return std::nullopt;
                }
                k += range ? 2 : 0;
            }
            elements.push_back(element);
        } else {
            elements.push_back({Element::one_of, {{p[i], p[i]}}});
        }
    }
    return elements;
}

bool fits(const Element& element, uint32_t c) {
    if (element.kind == Element::any) {
        return true;
    }
    for (const auto& [low, high] : element.ranges) {
        if (low <= c && c <= high) {
            return element.kind == Element::one_of;
        }
    }
    return element.kind == Element::none_of;
}

// reachable[j]: the elements so far can match the first j characters.
bool slow_match(const std::vector<Element>& elements, const Chars& text) {
    std::vector<bool> reachable(text.size() + 1, false);
    reachable[0] = true;
    for (const Element& element : elements) {
        std::vector<bool> next(text.size() + 1, false);
        for (size_t j = 0; j <= text.size(); j++) {
            if (element.kind == Element::star) {
                next[j] = reachable[j] || (j > 0 && next[j - 1]);
            } else if (j > 0) {
                next[j] = reachable[j - 1] && fits(element, text[j - 1]);
            }
        }
        reachable = next;
    }
    return reachable[text.size()];
}

std::string random_text(std::mt19937& random, const std::vector<std::string>& pieces, size_t most) {
    std::string text;
    for (size_t count = random() % (most + 1); count > 0; count--) {
        text += pieces[random() % pieces.size()];
    }
    return text;
}

TEST(Glob, AsASlowMatcherDoes) {
    const std::vector<std::string> in_text = {"a", "b", "c",        "-",   "]",
                                              "!", "é", "\xe2\x82", "\xff"};
    std::vector<std::string> in_pattern = in_text;
    for (const char* piece :
         {"*", "*", "*", "?", "?", "[", "[", "]", "]", "[a-b]", "[!a]", "\\", "[!b-é]", "a-"}) {
        in_pattern.emplace_back(piece);
    }
    std::mt19937 random(3);
    int accepted = 0;
    int matched = 0;
    for (int round = 0; round < 300'000; round++) {
        const std::string pattern = random_text(random, in_pattern, 7);
        const std::string text = random_text(random, in_text, 6);
        const auto elements = parse(decode(pattern));
        ASSERT_EQ(check_glob(pattern.c_str()) == GlobProblem::none, elements.has_value())
            << pattern;
        const bool found = matches(pattern, text);
        if (elements.has_value()) {
            accepted++;
            matched += found ? 1 : 0;
            ASSERT_EQ(found, slow_match(*elements, decode(text))) << pattern << " on " << text;
        }
    }
    EXPECT_GT(accepted, 50'000);
    EXPECT_GT(matched, 5'000);
}

// What makes a matcher that backtracks over every star take forever.
TEST(Glob, NoExponentialPatterns) {
    std::string pattern;
    for (int i = 0; i < 20; i++) {
        pattern += "*a";
    }
    EXPECT_FALSE(matches(pattern + "*b", std::string(4'000, 'a')));
    EXPECT_TRUE(matches(pattern, std::string(4'000, 'a')));
}

}  // namespace
}  // namespace leash
