#include "core/tags.h"

#include <gtest/gtest.h>

#include <random>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leash {
namespace {

using Tags = std::vector<std::pair<std::string, std::string>>;

// The text is copied without a zero behind it, so that a read past the end is found.
Tags read(std::string_view text) {
    const std::vector<char> bytes(text.begin(), text.end());
    TagReader reader(bytes.data(), bytes.size());
    Tags tags;
    char key[kTagSize];
    char value[kTagSize];
    while (reader.next(key, value)) {
        tags.emplace_back(key, value);
    }
    return tags;
}

TEST(Tags, NoComment) {
    EXPECT_EQ(read(""), Tags{});
    EXPECT_EQ(read("SELECT 1"), Tags{});
    EXPECT_EQ(read("SELECT 1 -- route='x'"), Tags{});
    EXPECT_EQ(read("SELECT '/*a=''b''*/' FROM t"), Tags{});
}

// The example of the specification.
TEST(Tags, Specification) {
    EXPECT_EQ(read("SELECT * from FOO /*action='%2Fparam*d',controller='index,'framework='spring',"
                   "traceparent='00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01',"
                   "tracestate='congo%3Dt61rcWkgMzE%2Crojo%3D00f067aa0ba902b7'*/"),
              (Tags{{"action", "/param*d"},
                    {"controller", "index,"},
                    {"framework", "spring"},
                    {"traceparent", "00-5bd66ef5095369c7b0d1f8f4bd33716a-c532cb4098ac3dd2-01"},
                    {"tracestate", "congo=t61rcWkgMzE,rojo=00f067aa0ba902b7"}}));
}

TEST(Tags, AtTheEndAtTheStartAndBeforeASemicolon) {
    const Tags expected{{"route", "/cart"}};
    EXPECT_EQ(read("SELECT 1 /*route='%2Fcart'*/"), expected);
    EXPECT_EQ(read("SELECT 1 /*route='%2Fcart'*/;"), expected);
    EXPECT_EQ(read("SELECT 1 /*route='%2Fcart'*/ ;\n "), expected);
    EXPECT_EQ(read("/*route='%2Fcart'*/ SELECT 1"), expected);
    EXPECT_EQ(read("  /* route='%2Fcart' */ SELECT 1"), expected);
    EXPECT_EQ(read("SELECT /*+ hint */ 1 /*route='%2Fcart'*/"), expected);
}

TEST(Tags, Escapes) {
    EXPECT_EQ(read(R"(/*name='D\'Arcy'*/ SELECT 1)"), (Tags{{"name", "D'Arcy"}}));
    EXPECT_EQ(read("/*a%20b='c%27d'*/"), (Tags{{"a b", "c'd"}}));
    EXPECT_EQ(read("/*a='%C3%A4'*/"), (Tags{{"a", "\xc3\xa4"}}));
    EXPECT_EQ(read("/*a='x%00y'*/"), (Tags{{"a", "xy"}}));
    EXPECT_EQ(read("/*a='100%', b='%4', c='%zz'*/"),
              (Tags{{"a", "100%"}, {"b", "%4"}, {"c", "%zz"}}));
    EXPECT_EQ(read("/*a=''*/"), (Tags{{"a", ""}}));
}

TEST(Tags, WhatIsNoTagEndsTheWalk) {
    EXPECT_EQ(read("SELECT 1 /* a comment */"), Tags{});
    EXPECT_EQ(read("SELECT 1 /**/"), Tags{});
    EXPECT_EQ(read("SELECT 1 /*/"), Tags{});
    EXPECT_EQ(read("SELECT 1 */"), Tags{});
    EXPECT_EQ(read("*/"), Tags{});
    EXPECT_EQ(read("/*"), Tags{});
    EXPECT_EQ(read("/*='x'*/"), Tags{});
    EXPECT_EQ(read("/*a='x*/"), Tags{});
    EXPECT_EQ(read("/*a=x*/"), Tags{});
    EXPECT_EQ(read("/*it's b='x'*/"), Tags{});
    EXPECT_EQ(read("/*a='x',two words='y'*/"), (Tags{{"a", "x"}}));
    EXPECT_EQ(read("/*a='x',b*/"), (Tags{{"a", "x"}}));
}

TEST(Tags, LongOnesAreCut) {
    const std::string longest(kTagSize - 1, 'k');
    EXPECT_EQ(read("/*" + std::string(10'000, 'k') + "='" + std::string(10'000, 'k') + "'*/"),
              (Tags{{longest, longest}}));
}

TEST(Tags, NotMoreThanTheirNumber) {
    std::string text = "SELECT 1 /*";
    for (int i = 0; i < 1'000; i++) {
        text += "k" + std::to_string(i) + "='v',";
    }
    EXPECT_EQ(read(text + "*/").size(), static_cast<size_t>(kMaxTags));
}

bool only(std::string_view text) {
    return only_comments(text.data(), text.size());
}

TEST(Tags, WhatIsNothingButComments) {
    for (const char* text : {"", " \t\r\n\f\v", "/*a='1'*/ ", "/* /* nested */ */", "-- line\n/**/",
                             "-- at the end", "--\r\n", "/**//**/", "/* open", "/*'*/"}) {
        EXPECT_TRUE(only(text)) << text;
    }
    for (const char* text : {"x", ";", "/**/;", "-", "/", "/ *", "--\nx", "/**/x/**/", "'/**/'",
                             "/* /**/ */ */", "*/"}) {
        EXPECT_FALSE(only(text)) << text;
    }
}

// Anything at all: ends, stays within the text, and what it returns is a string.
TEST(Tags, HostileInput) {
    std::mt19937 random(20'240'229);
    const std::string_view pieces[] = {"/*", "*/",    "='", "'",   ",",        "\\",   "%",
                                       "%4", "%00",   "a",  " ",   ";",        "\n",   "key",
                                       "=",  "/",     "*",  "--",  "\xc3\x28", "\xff", "%2f",
                                       "/*", "a='b'", "\t", "\\'", "SELECT 1", "",     "'*/"};
    for (int i = 0; i < 200'000; i++) {
        std::string text;
        for (size_t n = random() % 24; n > 0; n--) {
            text += pieces[random() % std::size(pieces)];
        }
        if (random() % 4 == 0 && !text.empty()) {
            text[random() % text.size()] = static_cast<char>(random());
        }
        const Tags tags = read(text);
        ASSERT_LE(tags.size(), static_cast<size_t>(kMaxTags)) << text;
        for (const auto& [key, value] : tags) {
            ASSERT_LT(key.size(), kTagSize);
            ASSERT_LT(value.size(), kTagSize);
        }
    }
}

}  // namespace
}  // namespace leash
