#include "core/ladder.h"

#include <gtest/gtest.h>

#include <vector>

#include "policy_samples.h"

namespace leash {
namespace {

constexpr uint64_t kNow = 5'000 * kSecond;
constexpr uint64_t kGrace = 10 * kSecond;

Policy with(Action action, uint64_t grace) {
    Policy policy = any_idle(action);
    policy.grace = grace;
    return policy;
}

// All steps, when each is taken as soon as it is due; looked for every second.
std::vector<Step> climb(const Policy& policy, const Candidate& session, uint64_t seconds = 100) {
    std::vector<Step> steps;
    Progress progress{};
    uint64_t last = 0;
    for (uint64_t second = 0; second < seconds; second++) {
        const uint64_t now = kNow + second * kSecond;
        const Step step = next_step(policy, session, progress, now);
        if (step != Step::none) {
            if (!steps.empty()) {
                EXPECT_EQ(now - last, policy.grace) << "a grace after the one before";
            }
            steps.push_back(step);
            progress = {step, now};
            last = now;
        }
    }
    return steps;
}

using Steps = std::vector<Step>;

TEST(Ladder, WithoutGraceTheActionAlone) {
    EXPECT_EQ(climb(with(Action::log, 0), idle_session()), Steps{Step::log});
    EXPECT_EQ(climb(with(Action::notify, 0), idle_session()), Steps{Step::notify});
    EXPECT_EQ(climb(with(Action::cancel, 0), active_session()), Steps{Step::cancel});
    EXPECT_EQ(climb(with(Action::terminate, 0), active_session()), Steps{Step::terminate});
    EXPECT_EQ(climb(with(Action::terminate, 0), idle_session()), Steps{Step::terminate});
    EXPECT_EQ(climb(with(Action::spare, 0), idle_session()), Steps{});
}

TEST(Ladder, WithGraceTheMilderOnesFirst) {
    EXPECT_EQ(climb(with(Action::log, kGrace), idle_session()), Steps{Step::log});
    EXPECT_EQ(climb(with(Action::notify, kGrace), idle_session()), Steps{Step::notify});
    EXPECT_EQ(climb(with(Action::cancel, kGrace), active_session()),
              (Steps{Step::notify, Step::cancel}));
    EXPECT_EQ(climb(with(Action::terminate, kGrace), active_session()),
              (Steps{Step::notify, Step::cancel, Step::terminate}));
    EXPECT_EQ(climb(with(Action::spare, kGrace), active_session()), Steps{});
}

TEST(Ladder, ACancelThatDoesNothingIsPassedOver) {
    Candidate stalled = active_session();
    stalled.client_wait = ClientWait::write;
    Candidate fastpath = active_session();
    fastpath.state = State::fastpath;
    for (const Candidate& session : {idle_session(), stalled, fastpath}) {
        EXPECT_EQ(climb(with(Action::terminate, kGrace), session),
                  (Steps{Step::notify, Step::terminate}));
        EXPECT_EQ(climb(with(Action::cancel, kGrace), session), Steps{Step::notify});
        EXPECT_EQ(climb(with(Action::cancel, 0), session), Steps{});
    }
}

TEST(Ladder, WhereCancelWorks) {
    EXPECT_TRUE(cancel_works(State::active, ClientWait::none));
    for (const State state : {State::unknown, State::idle, State::idle_in_transaction,
                              State::idle_in_transaction_aborted, State::fastpath}) {
        EXPECT_FALSE(cancel_works(state, ClientWait::none)) << name_of(state);
    }
    EXPECT_FALSE(cancel_works(State::active, ClientWait::read));
    EXPECT_FALSE(cancel_works(State::active, ClientWait::write));
}

TEST(Ladder, DueExactlyAfterTheGrace) {
    const Policy policy = with(Action::terminate, kGrace);
    const Progress told = {Step::notify, kNow};
    EXPECT_EQ(next_step(policy, idle_session(), told, kNow), Step::none);
    EXPECT_EQ(next_step(policy, idle_session(), told, kNow + kGrace - 1), Step::none);
    EXPECT_EQ(next_step(policy, idle_session(), told, kNow + kGrace), Step::terminate);
    // Another process's reading of the clock may be a little ahead.
    EXPECT_EQ(next_step(policy, idle_session(), told, kNow - 1), Step::none);
}

// The first step waits for nothing, however short the time since the machine started.
TEST(Ladder, TheFirstStepIsDueAtOnce) {
    EXPECT_EQ(next_step(with(Action::terminate, kGrace), idle_session(), {}, 1), Step::notify);
}

// A session that begins to wait for its client after it was told is ended, not cancelled.
TEST(Ladder, JudgedByWhatTheSessionDoesNow) {
    const Policy policy = with(Action::terminate, kGrace);
    const Progress told = {Step::notify, kNow};
    EXPECT_EQ(next_step(policy, active_session(), told, kNow + kGrace), Step::cancel);
    EXPECT_EQ(next_step(policy, idle_session(), told, kNow + kGrace), Step::terminate);
}

// The policy was changed while the session was being pursued.
TEST(Ladder, NoStepDown) {
    const Progress cancelled = {Step::cancel, kNow};
    const uint64_t later = kNow + 100 * kSecond;
    EXPECT_EQ(next_step(with(Action::notify, 0), active_session(), cancelled, later), Step::none);
    EXPECT_EQ(next_step(with(Action::cancel, 0), active_session(), cancelled, later), Step::none);
    EXPECT_EQ(next_step(with(Action::terminate, 0), active_session(), cancelled, kNow),
              Step::terminate);
    const Progress logged = {Step::log, kNow};
    EXPECT_EQ(next_step(with(Action::terminate, kGrace), active_session(), logged, later),
              Step::notify);
}

}  // namespace
}  // namespace leash
