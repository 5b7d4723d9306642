// Requests over the control socket: what is understood, and that nothing else is.
#include "core/control_request.h"

#include <cstring>
#include <memory>
#include <random>
#include <string>

#include <gtest/gtest.h>

namespace leash {
namespace {

RequestProblem parse(std::string_view line, ControlRequest& request) {
    return parse_control_request(line, request);
}

RequestProblem problem(std::string_view line) {
    ControlRequest request{};
    return parse(line, request);
}

TEST(ControlRequest, EveryVerb) {
    for (int i = 0; i < kControlVerbs; i++) {
        const auto verb = static_cast<ControlVerb>(i);
        std::string line = std::string("pgleash 1 ") + name_of(verb);
        if (names_session(verb)) {
            line += " 65f1c2a3.1f40";
        }
        ControlRequest request{};
        EXPECT_EQ(parse(line, request), RequestProblem::none) << line;
        EXPECT_EQ(request.verb, verb) << line;
        EXPECT_EQ(request.session.pid, names_session(verb) ? 0x1f40 : 0);
    }
}

TEST(ControlRequest, BlanksBetweenWordsDoNotCount) {
    ControlRequest request{};
    EXPECT_EQ(parse("  pgleash   1  reap   now  ", request), RequestProblem::none);
    EXPECT_EQ(request.verb, ControlVerb::reap_now);
}

TEST(ControlRequest, ForceAndReason) {
    ControlRequest request{};
    EXPECT_EQ(parse("pgleash 1 terminate 1.2 force reason  as agreed ", request),
              RequestProblem::none);
    EXPECT_TRUE(request.force);
    EXPECT_STREQ(request.reason, " as agreed ");
    EXPECT_EQ(parse("pgleash 1 terminate 1.2 reason force", request), RequestProblem::none);
    EXPECT_FALSE(request.force);
    EXPECT_STREQ(request.reason, "force");
    EXPECT_EQ(parse("pgleash 1 terminate 1.2 reason", request), RequestProblem::none);
    EXPECT_STREQ(request.reason, "");
    EXPECT_EQ(problem("pgleash 1 terminate 1.2 forcereason x"), RequestProblem::too_many_words);
    EXPECT_EQ(problem("pgleash 1 cancel 1.2 force"), RequestProblem::too_many_words);
}

TEST(ControlRequest, LongestReason) {
    const std::string line = "pgleash 1 terminate 1.2 reason ";
    const std::string fits(kControlReasonSize - 1, 'x');
    ControlRequest request{};
    EXPECT_EQ(parse(line + fits, request), RequestProblem::none);
    EXPECT_EQ(fits, request.reason);
    EXPECT_EQ(problem(line + fits + "x"), RequestProblem::reason_too_long);
}

TEST(ControlRequest, WhatIsWrong) {
    EXPECT_EQ(problem(""), RequestProblem::not_ours);
    EXPECT_EQ(problem("GET / HTTP/1.1"), RequestProblem::not_ours);
    EXPECT_EQ(problem("pgleashed 1 status"), RequestProblem::not_ours);
    EXPECT_EQ(problem("pgleash"), RequestProblem::other_version);
    EXPECT_EQ(problem("pgleash 2 status"), RequestProblem::other_version);
    EXPECT_EQ(problem("pgleash 11 status"), RequestProblem::other_version);
    EXPECT_EQ(problem("pgleash 1"), RequestProblem::unknown_verb);
    EXPECT_EQ(problem("pgleash 1 stat"), RequestProblem::unknown_verb);
    EXPECT_EQ(problem("pgleash 1 statuses"), RequestProblem::unknown_verb);
    EXPECT_EQ(problem("pgleash 1 reap"), RequestProblem::unknown_verb);
    EXPECT_EQ(problem("pgleash 1 reap wet"), RequestProblem::unknown_verb);
    EXPECT_EQ(problem("pgleash 1 reap now now"), RequestProblem::too_many_words);
    EXPECT_EQ(problem("pgleash 1 terminate"), RequestProblem::no_session_id);
    EXPECT_EQ(problem("pgleash 1 terminate 4711"), RequestProblem::bad_session_id);
    EXPECT_EQ(problem("pgleash 1 cancel -1.2"), RequestProblem::bad_session_id);
    EXPECT_EQ(problem("pgleash 1 cancel " + std::string(900, 'a')), RequestProblem::bad_session_id);
    EXPECT_EQ(problem("pgleash 1 status\r"), RequestProblem::control_character);
    EXPECT_EQ(problem(std::string_view("pgleash 1 status\0", 17)),
              RequestProblem::control_character);
    EXPECT_EQ(problem("pgleash\t1 status"), RequestProblem::control_character);
}

TEST(ControlRequest, EveryProblemIsDescribed) {
    for (int i = 1; i <= static_cast<int>(RequestProblem::reason_too_long); i++) {
        EXPECT_STRNE(describe(static_cast<RequestProblem>(i)), "") << i;
    }
}

// What the tool writes, the worker reads.
TEST(ControlRequest, ThereAndBack) {
    std::mt19937 random(4711);
    for (int i = 0; i < 20'000; i++) {
        ControlRequest request{};
        request.verb = static_cast<ControlVerb>(random() % kControlVerbs);
        if (names_session(request.verb)) {
            request.session = {static_cast<int64_t>(random()) + 1,
                               static_cast<int32_t>(random() % 0x7FFFFFFF) + 1};
        }
        if (request.verb == ControlVerb::terminate) {
            request.force = random() % 2 == 0;
            const size_t length = random() % kControlReasonSize;
            for (size_t c = 0; c < length; c++) {
                request.reason[c] = static_cast<char>(0x21 + random() % (0x7F - 0x21));
            }
        }
        char line[kControlRequestSize];
        const size_t length = format_control_request(request, line);
        ASSERT_EQ(line[length - 1], '\n');
        ASSERT_EQ(strlen(line), length);
        ControlRequest back{};
        ASSERT_EQ(parse({line, length - 1}, back), RequestProblem::none) << line;
        ASSERT_EQ(back.verb, request.verb);
        ASSERT_EQ(back.session, request.session);
        ASSERT_EQ(back.force, request.force);
        ASSERT_STREQ(back.reason, request.reason);
    }
}

TEST(ControlRequest, LongestLineFits) {
    ControlRequest request{};
    request.verb = ControlVerb::terminate;
    request.session = {INT64_MAX, INT32_MAX};
    request.force = true;
    memset(request.reason, '\n', kControlReasonSize - 1);
    char line[kControlRequestSize];
    const size_t length = format_control_request(request, line);
    EXPECT_LT(length, kControlRequestSize);
    EXPECT_EQ(memchr(line, '\n', length), line + length - 1) << "one line";
}

// Whatever comes in, under the sanitizers: it is refused or it is a request.
TEST(ControlRequest, AnyBytes) {
    static constexpr const char* kWords[] = {
        "pgleash",   "1",      "status",   "reap",  "now", "dry",
        "terminate", "cancel", "reason",   "force", "1.2", "65f1c2a3.1f40",
        " ",         "",       "\xff\xfe", "-",     "..",  "ffffffffffffffffff.1",
    };
    std::mt19937 random(1234);
    int understood = 0;
    for (int i = 0; i < 200'000; i++) {
        std::string line = random() % 4 == 0 ? "" : "pgleash 1 ";
        const size_t words = random() % 8;
        for (size_t w = 0; w < words; w++) {
            line += kWords[random() % std::size(kWords)];
            line += random() % 8 == 0 ? "" : " ";
        }
        for (size_t damage = random() % 3; damage > 0 && !line.empty(); damage--) {
            line[random() % line.size()] = static_cast<char>(random());
        }
        // Of exactly its size, so that a read beyond it is seen.
        const std::unique_ptr<char[]> exact(new char[line.size()]);
        memcpy(exact.get(), line.data(), line.size());
        ControlRequest request{};
        if (parse({exact.get(), line.size()}, request) == RequestProblem::none) {
            understood++;
            ASSERT_LT(static_cast<int>(request.verb), kControlVerbs);
            ASSERT_LT(strlen(request.reason), kControlReasonSize);
            ASSERT_EQ(request.session.pid > 0, names_session(request.verb));
        }
    }
    EXPECT_GT(understood, 100);
}

}  // namespace
}  // namespace leash
