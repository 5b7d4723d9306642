#include "policy/trial.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/file.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::IsEmpty;

constexpr std::uint64_t kMinute = 60'000'000'000;

std::vector<Policy> policies_of(const std::string& text) {
    std::vector<Policy> policies;
    const PolicyFile file = parse_policies(text);
    EXPECT_THAT(file.problems, IsEmpty());
    for (const FilePolicy& policy : file.policies) {
        policies.push_back(core_policy(policy.row));
    }
    return policies;
}

TrialSession idle_session(const std::string& application, std::uint64_t idle_for) {
    TrialSession session;
    session.role = "app";
    session.database = "shop";
    session.application = application;
    session.address = "10.1.2.3";
    session.facts.state = State::idle;
    session.facts.kind = Leak::abandoned;
    session.facts.idle_for = idle_for;
    session.facts.unused_for = idle_for;
    return session;
}

TEST(Trial, CarriesEveryColumnOver) {
    const Policy policy = policies_of(R"(
[[policy]]
name = "all"
priority = 7
mode = "enforce"
action = "terminate"
roles = ["app"]
databases = ["shop", "other"]
applications = ["web-*"]
addresses = ["10.0.0.0/8"]
kinds = ["abandoned"]
states = ["idle"]
idle_for = "1s"
unused_for = "2s"
xact_for = "3s"
statement_for = "4s"
pressure_above = 0.9
pressure_below = 0.5
blocks_others = true
holds_xmin = true
peer_gone = true
grace = "5s"
keep = 3
max_per_minute = 10
include_superusers = true
include_listeners = true
include_lock_holders = true
)")
                              .front();
    EXPECT_STREQ(policy.name, "all");
    EXPECT_EQ(policy.priority, 7);
    EXPECT_EQ(policy.mode, Mode::enforce);
    EXPECT_EQ(policy.action, Action::terminate);
    EXPECT_STREQ(policy.roles.items[0], "app");
    EXPECT_EQ(policy.databases.count, 2);
    EXPECT_STREQ(policy.applications.items[0], "web-*");
    EXPECT_EQ(policy.addresses.items[0].prefix, 8);
    EXPECT_EQ(policy.kinds, 1U << static_cast<unsigned>(Leak::abandoned));
    EXPECT_EQ(policy.states, 1U << static_cast<unsigned>(State::idle));
    EXPECT_EQ(policy.idle_for, 1'000'000'000U);
    EXPECT_EQ(policy.unused_for, 2'000'000'000U);
    EXPECT_EQ(policy.xact_for, 3'000'000'000U);
    EXPECT_EQ(policy.statement_for, 4'000'000'000U);
    EXPECT_FLOAT_EQ(policy.pressure_above, 0.9F);
    EXPECT_FLOAT_EQ(policy.pressure_below, 0.5F);
    EXPECT_TRUE(policy.blocks_others && policy.holds_xmin && policy.peer_gone);
    EXPECT_EQ(policy.grace, 5'000'000'000U);
    EXPECT_EQ(policy.keep, 3);
    EXPECT_EQ(policy.max_per_minute, 10);
    EXPECT_TRUE(policy.include_superusers && policy.include_listeners &&
                policy.include_lock_holders);
}

TEST(Trial, PlansARoundAsTheServerDoes) {
    const std::vector<Policy> policies = policies_of(
        "[[policy]]\nname = \"spare\"\naction = \"spare\"\napplications = [\"backup\"]\n"
        "[[policy]]\nname = \"end\"\naction = \"terminate\"\nidle_for = \"5min\"\nkeep = 1\n"
        "addresses = [\"10.0.0.0/8\"]\n");
    std::vector<TrialSession> sessions = {
        idle_session("backup", 60 * kMinute), idle_session("web", 10 * kMinute),
        idle_session("web", 20 * kMinute), idle_session("web", kMinute),
        idle_session("other", 30 * kMinute)};
    sessions[4].address = "192.168.0.1";
    // The youngest of web is kept, and it is none of those that go.
    const auto decisions = plan_now(policies, sessions, {.used = 10, .usable = 100});
    ASSERT_EQ(decisions.size(), 2U);
    EXPECT_EQ(decisions[0].session, 2U);
    EXPECT_EQ(decisions[1].session, 1U);
    EXPECT_EQ(decisions[0].policy, 1U);
    EXPECT_EQ(decisions[0].spared, Spared::no);
}

TEST(Trial, ClientsOfAPoolerAreOneGroup) {
    const std::vector<Policy> policies = policies_of(
        "[[policy]]\nname = \"end\"\naction = \"terminate\"\nidle_for = \"5min\"\nkeep = 1\n"
        "applications = [\"web\"]\n");
    std::vector<TrialSession> sessions = {idle_session("web - 10.0.0.7:40001", 10 * kMinute),
                                          idle_session("web - 10.0.0.8:40002", 20 * kMinute),
                                          idle_session("web - 10.0.0.8:40003", kMinute)};
    const auto decisions = plan_now(policies, sessions, {.used = 10, .usable = 100});
    ASSERT_EQ(decisions.size(), 2U);
    EXPECT_EQ(decisions[0].spared, Spared::no);
    EXPECT_EQ(decisions[1].spared, Spared::no);
}

TEST(Trial, TakesObservingPoliciesForEnforcingOnes) {
    const std::vector<Policy> policies = policies_of(
        "[[policy]]\nname = \"p\"\naction = \"terminate\"\nidle_for = \"5min\"\n"
        "pressure_above = 0.5\n");
    std::vector<TrialSession> sessions = {idle_session("web", 10 * kMinute),
                                          idle_session("web", 20 * kMinute)};
    EXPECT_THAT(plan_now(policies, sessions, {.used = 40, .usable = 100}), IsEmpty());
    const auto decisions = plan_now(policies, sessions, {.used = 51, .usable = 100});
    ASSERT_EQ(decisions.size(), 2U);
    EXPECT_EQ(decisions[0].spared, Spared::no);
    EXPECT_EQ(decisions[1].spared, Spared::pressure);
}

TEST(Trial, FindsThePolicyThatWouldHaveDecided) {
    const std::vector<Policy> policies = policies_of(
        "[[policy]]\nname = \"blocked\"\naction = \"terminate\"\nidle_for = \"1min\"\n"
        "kinds = [\"idle in transaction\"]\nblocks_others = true\n"
        "[[policy]]\nname = \"later\"\naction = \"terminate\"\nidle_for = \"5min\"\n"
        "states = [\"idle in transaction\"]\nxact_for = \"1h\"\n");
    TrialSession session = idle_session("web", 0);
    set_recorded(session.facts, Leak::idle_in_transaction, 2 * kMinute);
    EXPECT_EQ(find_policy(policies, session), 2U);
    session.facts.blocks_others = true;
    EXPECT_EQ(find_policy(policies, session), 0U);
    session.facts.blocks_others = false;
    // How old the transaction was is not recorded.
    set_recorded(session.facts, Leak::idle_in_transaction, 6 * kMinute);
    EXPECT_EQ(find_policy(policies, session), 1U);
    set_recorded(session.facts, Leak::abandoned, 6 * kMinute);
    EXPECT_EQ(find_policy(policies, session), 2U);
    // A session of no kind may have been in any state.
    set_recorded(session.facts, Leak::none, 6 * kMinute);
    EXPECT_EQ(find_policy(policies, session), 1U);
    session.facts.superuser = true;
    EXPECT_EQ(find_policy(policies, session), 2U);
}

TEST(Trial, NamesWhatTheJournalDoesNotRecord) {
    const PolicyFile file = parse_policies(
        "[[policy]]\nname = \"p\"\nkinds = [\"abandoned\"]\nidle_for = \"1min\"\n"
        "pressure_above = 0.5\nkeep = 1\n");
    EXPECT_THAT(unrecorded(file.policies.front().row), ElementsAre("pressure_above", "keep"));
}

}  // namespace
}  // namespace leash::tool
