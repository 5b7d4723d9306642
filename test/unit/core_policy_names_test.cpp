#include "core/policy_names.h"

#include <gtest/gtest.h>

#include <string>

namespace leash {
namespace {

// Each word is read back as what wrote it, and nothing near it is.
template <class Word, size_t N>
void expect_round_trip(const Word (&words)[N], bool (*parse)(const char*, Word&)) {
    for (const Word word : words) {
        const std::string name = name_of(word);
        Word value{};
        EXPECT_TRUE(parse(name.c_str(), value)) << name;
        EXPECT_EQ(value, word) << name;
        for (const std::string& other : {name + " ", " " + name, name.substr(1), "X" + name,
                                         name.substr(0, name.size() - 1)}) {
            Word before = words[0];
            EXPECT_FALSE(parse(other.c_str(), before)) << other;
            EXPECT_EQ(before, words[0]);
        }
    }
    Word value{};
    EXPECT_FALSE(parse("", value));
}

TEST(PolicyNames, EachIsReadBack) {
    expect_round_trip(kPolicyKinds, parse_kind);
    expect_round_trip(kPolicyStates, parse_state);
    expect_round_trip(kPolicyActions, parse_action);
    expect_round_trip(kPolicyModes, parse_mode);
}

TEST(PolicyNames, CaseMatters) {
    Mode mode{};
    EXPECT_FALSE(parse_mode("Observe", mode));
    EXPECT_FALSE(parse_mode("ENFORCE", mode));
}

TEST(PolicyNames, WhatNoPolicyMayName) {
    State state{};
    EXPECT_FALSE(parse_state("disabled", state));
    Mode mode{};
    EXPECT_FALSE(parse_mode("off", mode));
}

TEST(PolicyNames, ListsForMessages) {
    EXPECT_STREQ(kModeWords, "observe, enforce");
    EXPECT_STREQ(kActionWords, "spare, log, notify, cancel, terminate");
    EXPECT_STREQ(kStateWords,
                 "active, idle, idle in transaction, idle in transaction (aborted), "
                 "fastpath function call");
    EXPECT_STREQ(kKindWords,
                 "peer gone, idle in transaction, aborted transaction, stalled client, "
                 "abandoned, never used, ping only, unused");
}

static_assert([] {
    Action action{};
    return parse_action("terminate", action) && action == Action::terminate;
}());

}  // namespace
}  // namespace leash
