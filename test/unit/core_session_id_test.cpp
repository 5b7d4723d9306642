#include "core/session_id.h"

#include <gtest/gtest.h>

#include <limits>
#include <string>

namespace leash {
namespace {

std::string text_of(const SessionId& id) {
    char text[kSessionIdLength + 1];
    format_session_id(id, text);
    return text;
}

TEST(SessionIdText, AsLogLinePrefixWritesIt) {
    EXPECT_EQ(text_of({0x65f1c2a3, 0x1f40}), "65f1c2a3.1f40");
    EXPECT_EQ(text_of({1, 1}), "1.1");
}

TEST(SessionIdText, TheLongestFits) {
    const std::string text =
        text_of({std::numeric_limits<int64_t>::max(), std::numeric_limits<int32_t>::max()});
    EXPECT_EQ(text, "7fffffffffffffff.7fffffff");
    EXPECT_LE(text.size(), kSessionIdLength);
}

TEST(SessionIdText, RoundTrip) {
    for (int64_t start = 1; start > 0 && start < std::numeric_limits<int64_t>::max() / 7;
         start *= 7) {
        for (int32_t pid : {1, 2, 4'194'304, std::numeric_limits<int32_t>::max()}) {
            const SessionId id{start, pid};
            SessionId read{};
            ASSERT_TRUE(parse_session_id(text_of(id).c_str(), read));
            ASSERT_EQ(read, id);
        }
    }
}

TEST(SessionIdText, UpperCaseIsHexadecimalToo) {
    SessionId id{};
    ASSERT_TRUE(parse_session_id("65F1C2A3.1F40", id));
    EXPECT_EQ(id, (SessionId{0x65f1c2a3, 0x1f40}));
}

TEST(SessionIdText, WhatIsNone) {
    for (const char* text : {"",           ".",
                             "1",          "1.",
                             ".1",         "0.1",
                             "1.0",        "-1.1",
                             "1.-1",       "+1.1",
                             "1.1 ",       " 1.1",
                             "1.1.1",      "1,1",
                             "g.1",        "1.g",
                             "0x1.1",      "8000000000000000.1",
                             "1.80000000", "fffffffffffffffffff.1",
                             "12345",      "1..1",
                             "1.1;"}) {
        SessionId id{42, 42};
        EXPECT_FALSE(parse_session_id(text, id)) << text;
        EXPECT_EQ(id, (SessionId{42, 42})) << text;
    }
}

}  // namespace
}  // namespace leash
