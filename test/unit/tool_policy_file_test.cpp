#include "policy/file.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/toml.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

std::vector<std::string> problems_of(const std::string& text) {
    std::vector<std::string> out;
    for (const FileProblem& problem : parse_policies(text).problems) {
        out.push_back(describe_problem("f", problem));
    }
    return out;
}

PolicyRow only_row(const std::string& text) {
    const PolicyFile file = parse_policies(text);
    EXPECT_THAT(problems_of(text), IsEmpty());
    EXPECT_EQ(file.policies.size(), 1U);
    return file.policies.empty() ? default_policy("") : file.policies.front().row;
}

// A policy named p that is right but for its third line.
std::string with_line(const std::string& line) {
    return "[[policy]]\nname = \"p\"\n" + line + "\nkinds = [\"abandoned\"]\n";
}

struct BadLine {
    std::string line;
    std::string problem;
};

class PolicyFileRefuses : public testing::TestWithParam<BadLine> {};

TEST_P(PolicyFileRefuses, OneLineWithItsPlace) {
    EXPECT_THAT(problems_of(with_line(GetParam().line)),
                ElementsAre(HasSubstr(GetParam().problem)));
}

INSTANTIATE_TEST_SUITE_P(
    Keys, PolicyFileRefuses,
    testing::Values(
        BadLine{"idel_for = \"5min\"",
                "f:3:1: policy \"p\": unknown key \"idel_for\"; did you mean \"idle_for\"?"},
        BadLine{"colour = 1", "f:3:1: policy \"p\": unknown key \"colour\"; the keys are name,"},
        BadLine{"priority = \"first\"", "f:3:12: policy \"p\": priority: write a whole number"},
        BadLine{"priority = 1.5", "f:3:12: policy \"p\": priority: write a whole number"},
        BadLine{"enabled = 1", "f:3:11: policy \"p\": enabled: write true or false"},
        BadLine{"idle_for = 300", "f:3:12: policy \"p\": idle_for: write a duration in quotes"},
        BadLine{"comment = [\"a\"]", "f:3:11: policy \"p\": comment: write a text in quotes"},
        BadLine{"roles = \"app\"", "f:3:9: policy \"p\": roles: write a list of texts"},
        BadLine{"roles = [\"app\", 7]", "f:3:17: policy \"p\": roles: write a list of texts"},
        BadLine{"pressure_above = \"80%\"",
                "f:3:18: policy \"p\": pressure_above: write a number"}));

INSTANTIATE_TEST_SUITE_P(
    Values, PolicyFileRefuses,
    testing::Values(
        BadLine{"idle_for = \"5\"",
                "f:3:12: policy \"p\": idle_for: \"5\" is no duration: it has "
                "no unit; write for example \"90s\""},
        BadLine{"idle_for = \"0s\"", "f:3:12: policy \"p\": idle_for: an age of zero"},
        BadLine{"grace = \"0s\"", "f:3:9: policy \"p\": grace: zero is no grace"},
        BadLine{"mode = \"enforced\"",
                "f:3:8: policy \"p\": mode: \"enforced\" is no mode; did you mean \"enforce\"?"},
        BadLine{"mode = \"x\"",
                "f:3:8: policy \"p\": mode: \"x\" is no mode; it is one of observe, enforce"},
        BadLine{"action = \"kill\"",
                "f:3:10: policy \"p\": action: \"kill\" is no action; it is "
                "one of spare, log, notify, cancel, terminate"},
        BadLine{"states = [\"idle\", \"actve\"]",
                "f:3:19: policy \"p\": states: \"actve\" is no state; did you mean \"active\"?"},
        BadLine{"applications = [\"web-[\"]",
                "f:3:17: policy \"p\": applications: \"web-[\" is no pattern: it has a [ without"},
        BadLine{"addresses = [\"10.0.0.1/8\"]",
                "f:3:14: policy \"p\": addresses: \"10.0.0.1/8\" is no network: it has bits set"},
        BadLine{"roles = []", "f:3:9: policy \"p\": roles: an empty list matches nothing"},
        BadLine{"roles = [\"\"]", "f:3:10: policy \"p\": roles: an empty name matches nothing"},
        BadLine{"databases = [\"" + std::string(64, 'd') + "\"]",
                "f:3:14: policy \"p\": databases: \"ddd"},
        BadLine{"roles = [\"a\\u0000b\"]", "f:3:10: policy \"p\": roles: it holds a zero byte"},
        BadLine{"pressure_above = 80",
                "f:3:18: policy \"p\": pressure_above: 80 is no share of the connections"},
        BadLine{"pressure_above = nan", "f:3:18: policy \"p\": pressure_above: nan is no share"},
        BadLine{"pressure_below = 0.5",
                "f:3:18: policy \"p\": pressure_below: it goes with pressure_above only"},
        BadLine{"keep = -1", "f:3:8: policy \"p\": keep: -1 is out of range"},
        BadLine{"max_per_minute = 0", "f:3:18: policy \"p\": max_per_minute: 0 is out of range"},
        BadLine{"priority = 99999999999", "f:3:12: policy \"p\": priority: 99999999999 is out"}));

TEST(PolicyFile, ReadsEveryKey) {
    const PolicyRow row = only_row(R"toml(
[[policy]]
name = "all"
comment = "why\nso"
priority = -5
enabled = false
mode = "enforce"
action = "terminate"
roles = ["app", 'o"ne']
databases = ["shop"]
applications = ["web-*", "job\\*"]
addresses = ["10.0.0.0/8", "local", "::1"]
kinds = ["idle in transaction", "peer gone"]
states = ["idle in transaction (aborted)"]
idle_for = "1h 30min"
unused_for = "1.5h"
xact_for = "250ms"
statement_for = "2d"
pressure_above = 0.9
pressure_below = 0.5
blocks_others = true
holds_xmin = true
peer_gone = true
grace = "30s"
keep = 3
max_per_minute = 10
include_superusers = true
include_listeners = true
include_lock_holders = true
)toml");
    EXPECT_EQ(row.name, "all");
    EXPECT_EQ(text_of(row, "comment"), "why\nso");
    EXPECT_EQ(number_of(row, "priority"), -5);
    EXPECT_FALSE(is_true(row, "enabled"));
    EXPECT_THAT(list_of(row, "roles"), ElementsAre("app", "o\"ne"));
    EXPECT_THAT(list_of(row, "applications"), ElementsAre("web-*", "job\\*"));
    EXPECT_EQ(row["idle_for"], PolicyValue(Microseconds{5'400'000'000}));
    EXPECT_EQ(row["unused_for"], row["idle_for"]);
    EXPECT_EQ(row["xact_for"], PolicyValue(Microseconds{250'000}));
    EXPECT_EQ(row["pressure_above"], PolicyValue(0.9));
    EXPECT_TRUE(is_true(row, "include_lock_holders"));
    EXPECT_EQ(sql_text(row["roles"]), "{\"app\",\"o\\\"ne\"}");
    EXPECT_EQ(sql_text(row["applications"]), "{\"web-*\",\"job\\\\*\"}");
    EXPECT_EQ(sql_text(row["statement_for"]), "2 days 0 microseconds");
}

TEST(PolicyFile, LeavesOutWhatIsNotGiven) {
    const PolicyRow row = only_row("[[policy]]\nname = \"p\"\nidle_for = \"5min\"\n");
    PolicyRow expected = default_policy("p");
    expected["idle_for"] = Microseconds{300'000'000};
    EXPECT_EQ(row, expected);
    EXPECT_EQ(text_of(row, "mode"), "observe");
    EXPECT_EQ(text_of(row, "action"), "log");
    EXPECT_EQ(sql_text(row["roles"]), std::nullopt);
}

TEST(PolicyFile, ReportsAllProblemsFromTopToBottom) {
    EXPECT_THAT(problems_of("[[policy]]\n"
                            "name = \"a\"\n"
                            "states = [\"idel\"]\n"
                            "mode = 3\n"
                            "idle_for = \"1s\"\n"
                            "[[policy]]\n"
                            "action = \"spare\"\n"
                            "[[policy]]\n"
                            "name = \"a\"\n"
                            "action = \"terminate\"\n"),
                ElementsAre(HasSubstr("f:3:11: policy \"a\": states:"),
                            HasSubstr("f:4:8: policy \"a\": mode:"),
                            HasSubstr("f:6:1: a policy lacks its name"),
                            HasSubstr("f:8:1: policy \"a\": it would act on sessions at once; set"),
                            HasSubstr("f:9:8: policy \"a\": this name is taken by the policy of "
                                      "line 1")));
}

TEST(PolicyFile, RefusesWhatIsNoListOfPolicies) {
    EXPECT_THAT(problems_of("[policy]\nname = \"x\"\n"),
                ElementsAre(HasSubstr("f:1:2: write [[policy]], in two brackets")));
    EXPECT_THAT(problems_of("policies = 1\n"),
                ElementsAre(HasSubstr("f:1:1: unknown key \"policies\"")));
    EXPECT_THAT(problems_of("[[policy]]\nname = \"x\n"), ElementsAre(HasSubstr("f:2:")));
    EXPECT_THAT(problems_of("[[policy]]\nname = \"x\"\nname = \"y\"\n"),
                ElementsAre(HasSubstr("f:3:")));
    EXPECT_THAT(problems_of("[[policy]]\nname = \"\xff\"\n"), ElementsAre(HasSubstr("f:2:")));
    EXPECT_THAT(problems_of(""), IsEmpty());
    EXPECT_THAT(parse_policies("# nothing\n").policies, IsEmpty());
}

TEST(PolicyFile, RefusesMoreThanTheServerTakes) {
    std::string text;
    for (int i = 0; i < 101; ++i) {
        text += "[[policy]]\nname = \"p" + std::to_string(i) + "\"\naction = \"spare\"\n";
    }
    EXPECT_THAT(problems_of(text), ElementsAre("f:301:1: there are 101 policies; 100 at most"));
    EXPECT_THAT(problems_of(with_line("roles = [" + std::string(33 * 4 - 1, ' ') + "]")),
                ElementsAre(HasSubstr("an empty list")));
}

TEST(PolicyToml, ReadsBackTheSame) {
    PolicyRow row = default_policy("na\"me\\ \x1b[31m \u202e äöü");
    row["comment"] = std::string("two\nlines\tand \x7f");
    row["roles"] = std::vector<std::string>{"a", "b\"c"};
    row["kinds"] = std::vector<std::string>{"abandoned"};
    row["idle_for"] = Microseconds{90'000'001};
    row["pressure_above"] = 1.0;
    row["keep"] = std::int64_t{0};
    row["mode"] = std::string("enforce");
    row["learned"] = false;
    const std::string text = policy_toml(row);
    EXPECT_EQ(only_row(text), row) << text;
    EXPECT_EQ(text.find('\x1b'), std::string::npos);
    EXPECT_THAT(text, HasSubstr("idle_for = \"1min 30s 1us\"\n"));
    EXPECT_THAT(text, HasSubstr("pressure_above = 1.0\n"));
    EXPECT_THAT(text, HasSubstr("\naction = \"log\"\n"));
}

TEST(PolicyToml, WritesSeveralAsOneFile) {
    const std::string text = policies_toml(std::vector<PolicyRow>{
        parse_policies(with_line("")).policies.front().row, default_policy("q")});
    EXPECT_EQ(text,
              "[[policy]]\nname = \"p\"\nmode = \"observe\"\naction = \"log\"\n"
              "kinds = [\"abandoned\"]\n\n"
              "[[policy]]\nname = \"q\"\nmode = \"observe\"\naction = \"log\"\n");
}

TEST(PolicyDuration, IsExact) {
    for (const std::int64_t us : {std::int64_t{1}, std::int64_t{999}, std::int64_t{60'000'000},
                                  std::int64_t{86'400'000'000}, std::int64_t{93'784'005'006}}) {
        const PolicyRow row = only_row(with_line("idle_for = \"" + exact_duration(us) + "\""));
        EXPECT_EQ(row["idle_for"], PolicyValue(Microseconds{us})) << exact_duration(us);
    }
    EXPECT_EQ(exact_duration(93'784'005'006), "1d 2h 3min 4s 5ms 6us");
    EXPECT_EQ(exact_duration(0), "0s");
}

TEST(PolicyExamples, AreValidAndOnlyObserve) {
    const std::vector<FilePolicy> policies =
        load_policies(std::string(PGLEASH_EXAMPLES) + "policies.toml");
    EXPECT_GE(policies.size(), 5U);
    for (const FilePolicy& policy : policies) {
        EXPECT_EQ(text_of(policy.row, "mode"), "observe") << policy.row.name;
    }
}

}  // namespace
}  // namespace leash::tool
