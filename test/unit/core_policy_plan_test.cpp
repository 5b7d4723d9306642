#include "core/policy_plan.h"

#include <gtest/gtest.h>

#include <random>
#include <tuple>

#include "plan_world.h"

namespace leash {

bool operator==(const Decision& a, const Decision& b) {
    return a.candidate == b.candidate && a.policy == b.policy && a.spared == b.spared;
}

void PrintTo(const Decision& decision, std::ostream* out) {
    *out << "{" << decision.candidate << " by " << decision.policy << ", spared "
         << static_cast<int>(decision.spared) << "}";
}

namespace {

using Indexes = std::vector<uint32_t>;

Policy for_database(const char* database, Action action = Action::terminate) {
    Policy policy = any_idle(action);
    add(policy.databases, database);
    return policy;
}

// `count` idle sessions of one group, the first the longest idle.
void add_pool(PlanWorld& world, uint32_t count, uint64_t group = 1) {
    for (uint32_t i = 0; i < count; i++) {
        Candidate session = idle_session(1'000 - i);
        session.group = group;
        world.add_session(session);
    }
}

TEST(PolicyPlan, NobodyAndNothing) {
    PlanWorld world;
    EXPECT_TRUE(world.plan().empty());
    world.add_policy(any_idle());
    EXPECT_TRUE(world.plan().empty());
    PlanWorld without_policies;
    add_pool(without_policies, 3);
    EXPECT_TRUE(without_policies.plan().empty());
}

TEST(PolicyPlan, TheFirstThatMatchesDecides) {
    PlanWorld world;
    world.add_policy(for_database("other"));
    world.add_policy(for_database("shop", Action::notify));
    world.add_policy(any_idle());
    add_pool(world, 1);
    EXPECT_EQ(world.plan(), (std::vector<Decision>{{0, 1, Spared::no}}));
}

TEST(PolicyPlan, WhomAPolicySparesLaterOnesDoNotSee) {
    PlanWorld world;
    world.add_policy(for_database("shop", Action::spare));
    world.add_policy(any_idle());
    add_pool(world, 1);
    Candidate other = idle_session();
    other.database = "other";
    world.add_session(other);
    EXPECT_EQ(world.plan(), (std::vector<Decision>{{1, 1, Spared::no}}));
}

// Nor whom it keeps: the pool is trimmed, and not ended by the policy after it.
TEST(PolicyPlan, WhomAPolicyKeepsLaterOnesDoNotSee) {
    PlanWorld world;
    world.add_policy(for_database("shop"));
    world.policies[0].keep = 2;
    world.add_policy(any_idle());
    add_pool(world, 3);
    EXPECT_EQ(world.victims(0), Indexes{0});
    EXPECT_EQ(world.with(Spared::kept, 0), (Indexes{1, 2}));
    EXPECT_EQ(world.plan().size(), 3U);
}

TEST(PolicyPlan, APolicyThatIsOffIsNone) {
    PlanWorld world;
    world.add_policy(any_idle(Action::spare));
    world.policies[0].mode = Mode::off;
    world.add_policy(any_idle());
    add_pool(world, 1);
    EXPECT_EQ(world.plan(), (std::vector<Decision>{{0, 1, Spared::no}}));
}

TEST(PolicyPlan, LeastUsefulFirst) {
    PlanWorld world;
    world.add_policy(any_idle());
    world.policies[0].states = bits({State::idle, State::active});
    Candidate session = idle_session(100);
    session.opened_ago = 200 * kSecond;
    world.add_session(session);
    session.opened_ago = 300 * kSecond;  // as idle, and older
    world.add_session(session);
    session.unused_for = 500 * kSecond;  // kept up by pings
    session.idle_for = kSecond;
    world.add_session(session);
    Candidate active = active_session();
    active.unused_for = 9'000 * kSecond;
    world.add_session(active);
    session.idle_for = 2 * kSecond;
    session.group = 0;  // groups do not matter
    world.add_session(session);
    EXPECT_EQ(world.victims(), (Indexes{4, 2, 1, 0, 3}));
}

// ---- keep -------------------------------------------------------------------

TEST(PolicyPlan, KeepTheMostUsefulOfEachGroup) {
    PlanWorld world;
    world.add_policy(any_idle());
    world.policies[0].keep = 2;
    add_pool(world, 4, 7);
    add_pool(world, 1, 3);
    add_pool(world, 3, 9);
    EXPECT_EQ(world.victims(), (Indexes{0, 5, 1}));
    EXPECT_EQ(world.with(Spared::kept).size(), 5U);
    world.policies[0].keep = 100;
    EXPECT_TRUE(world.victims().empty());
}

// Sessions at work are what a pool is for: they count, though no policy matches them.
TEST(PolicyPlan, KeptAreCountedAmongTheWholeGroup) {
    PlanWorld world;
    world.add_policy(any_idle());
    world.policies[0].keep = 3;
    world.policies[0].idle_for = 999 * kSecond;
    add_pool(world, 4);  // two of them match
    world.add_session(active_session());
    EXPECT_EQ(world.victims(), (Indexes{0, 1}));
    world.policies[0].keep = 4;
    EXPECT_EQ(world.victims(), Indexes{0});
    EXPECT_EQ(world.with(Spared::kept), Indexes{1});
}

// Those that an earlier policy ends cannot be what is kept.
TEST(PolicyPlan, KeptAreAmongThoseThatStay) {
    PlanWorld world;
    Policy aborted = any_idle();
    aborted.states = bits({State::idle_in_transaction_aborted});
    world.add_policy(aborted);
    world.add_policy(any_idle());
    world.policies[1].keep = 2;
    add_pool(world, 5);
    world.sessions[3].state = world.sessions[4].state = State::idle_in_transaction_aborted;
    EXPECT_EQ(world.victims(0), (Indexes{3, 4}));
    EXPECT_EQ(world.victims(1), Indexes{0});
    // They are not ended when that policy only observes, or does no more than tell.
    world.policies[0].mode = Mode::observe;
    EXPECT_EQ(world.victims(1), (Indexes{0, 1, 2}));
    world.policies[0].mode = Mode::enforce;
    world.policies[0].action = Action::notify;
    EXPECT_EQ(world.victims(1), (Indexes{0, 1, 2}));
    // One that observes too shows what both would do.
    world.policies[0] = aborted;
    world.policies[0].mode = world.policies[1].mode = Mode::observe;
    EXPECT_EQ(world.victims(1), Indexes{0});
}

// ---- pressure ---------------------------------------------------------------

PlanWorld crowded(uint32_t used, float above, float below) {
    PlanWorld world;
    world.add_policy(any_idle());
    world.policies[0].pressure_above = above;
    world.policies[0].pressure_below = below;
    world.pressure = {used, 100};
    add_pool(world, 50);
    return world;
}

TEST(PolicyPlan, PressureFromAboveTheMarkDownToTheLowerOne) {
    EXPECT_TRUE(crowded(90, 0.9F, 0.7F).plan().empty());
    PlanWorld world = crowded(91, 0.9F, 0.7F);
    EXPECT_EQ(world.victims().size(), 21U);
    EXPECT_EQ(world.victims().front(), 0U);
    EXPECT_EQ(world.victims().back(), 20U);
    EXPECT_EQ(world.with(Spared::pressure).size(), 29U);
}

TEST(PolicyPlan, PressureStaysUntilTheLowerMark) {
    PlanWorld world = crowded(80, 0.9F, 0.7F);
    const auto victims_at = [&](uint32_t used) {
        world.pressure.used = used;
        size_t victims = 0;
        for (const Decision& decision : world.plan()) {
            victims += decision.spared == Spared::no ? 1 : 0;
        }
        return victims;
    };
    EXPECT_EQ(victims_at(80), 0U);
    EXPECT_EQ(victims_at(91), 21U);
    EXPECT_TRUE(world.progress[0].under_pressure);
    EXPECT_EQ(victims_at(80), 10U);
    EXPECT_EQ(victims_at(71), 1U);
    EXPECT_EQ(victims_at(70), 0U);
    EXPECT_FALSE(world.progress[0].under_pressure);
    EXPECT_EQ(victims_at(80), 0U);
}

TEST(PolicyPlan, WithoutALowerMarkDownToTheUpperOne) {
    EXPECT_EQ(crowded(91, 0.9F, 0).victims().size(), 1U);
    EXPECT_EQ(crowded(95, 0.9F, 0).victims().size(), 5U);
    EXPECT_EQ(crowded(95, 0.9F, 0.95F).victims().size(), 5U) << "a lower mark above the upper one";
}

TEST(PolicyPlan, WithoutPressureLaterPoliciesGetTheirTurn) {
    PlanWorld world = crowded(50, 0.9F, 0.7F);
    world.add_policy(any_idle(Action::log));
    EXPECT_EQ(world.victims(1).size(), 50U);
    world.pressure.used = 91;
    EXPECT_TRUE(world.victims(1).empty());
}

TEST(PolicyPlan, MoreThanAllSlotsAndNone) {
    EXPECT_EQ(crowded(103, 0.9F, 0.7F).victims().size(), 33U);
    PlanWorld world = crowded(103, 0.9F, 0.7F);
    world.pressure.usable = 0;
    EXPECT_TRUE(world.plan().empty());
    EXPECT_EQ(crowded(200, 0.9F, 0.1F).victims().size(), 50U);
}

// Each slot is freed once: what earlier policies end counts.
TEST(PolicyPlan, PressureCountsWhatEarlierPoliciesEnd) {
    PlanWorld world = crowded(91, 0.9F, 0.7F);
    for (uint32_t i = 0; i < 15; i++) {
        Candidate session = idle_session();
        session.database = "other";
        world.add_session(session);
    }
    const Policy pressing = world.policies[0];
    const auto victims_behind = [&](const Policy& policy) {
        world.policies = {policy, pressing};
        world.progress = {{}, {}};
        return world.victims(1).size();
    };
    EXPECT_EQ(victims_behind(for_database("other")), 6U);
    EXPECT_EQ(victims_behind(for_database("other", Action::cancel)), 21U);
    EXPECT_EQ(victims_behind(for_database("other", Action::notify)), 21U);
    Policy braked = for_database("other");
    braked.max_per_minute = 5;
    EXPECT_EQ(victims_behind(braked), 16U);
    // Nothing comes free by observing; but two that observe show what both would do.
    Policy observing = for_database("other");
    observing.mode = Mode::observe;
    EXPECT_EQ(victims_behind(observing), 21U);
    world.policies[1].mode = Mode::observe;
    EXPECT_EQ(world.victims(1).size(), 6U);
}

// Marks that no binary fraction holds, at every size of a server.
TEST(PolicyPlan, MarksAreMetExactly) {
    PlanWorld world;
    world.add_policy(any_idle());
    add_pool(world, 3);
    std::vector<uint32_t> scratch(6);
    Decision decisions[3];
    for (uint32_t thousandths = 1; thousandths < 1'000; thousandths += 7) {
        world.policies[0].pressure_above = static_cast<float>(thousandths) / 1'000.0F;
        for (uint32_t usable = 1; usable < 5'000; usable += usable < 200 ? 1 : 97) {
            const uint32_t mark = thousandths * usable / 1'000;
            for (uint32_t beyond = 0; beyond < 3; beyond++) {
                const Pressure pressure = {mark + beyond, usable};
                world.progress[0] = {};
                const size_t count = plan_round(world.policies.data(), 1, world.progress.data(),
                                                world.sessions.data(), 3, pressure, nullptr,
                                                nullptr, scratch.data(), decisions);
                const auto acted = std::count_if(decisions, decisions + count, [](const auto& d) {
                    return d.spared == Spared::no;
                });
                ASSERT_EQ(acted, beyond) << thousandths << " of " << usable;
            }
        }
    }
}

// ---- brake and breaker --------------------------------------------------------

TEST(PolicyPlan, Brake) {
    PlanWorld world;
    world.add_policy(any_idle());
    world.policies[0].max_per_minute = 4;
    add_pool(world, 6);
    EXPECT_EQ(world.victims(), (Indexes{0, 1, 2, 3}));
    EXPECT_EQ(world.with(Spared::brake), (Indexes{4, 5}));
    world.progress[0].acted_in_minute = 3;
    EXPECT_EQ(world.victims(), Indexes{0});
    for (const uint32_t acted : {4U, 5U, UINT32_MAX}) {
        world.progress[0].acted_in_minute = acted;
        EXPECT_TRUE(world.victims().empty());
    }
    world.policies[0].max_per_minute = 0;
    EXPECT_EQ(world.victims().size(), 6U);
}

TEST(PolicyPlan, BreakerOfAGroup) {
    PlanWorld world;
    world.add_policy(any_idle());
    add_pool(world, 2, 5);
    add_pool(world, 2, 6);
    world.broken = {5};
    EXPECT_EQ(world.victims(), (Indexes{2, 3}));
    EXPECT_EQ(world.with(Spared::breaker), (Indexes{0, 1}));
}

TEST(PolicyPlan, BreakerThenKeepThenPressureThenBrake) {
    PlanWorld world = crowded(94, 0.9F, 0.9F);
    world.policies[0].keep = 5;
    world.policies[0].max_per_minute = 2;
    add_pool(world, 3, 2);
    world.broken = {2};
    EXPECT_EQ(world.with(Spared::breaker).size(), 3U);
    EXPECT_EQ(world.with(Spared::kept).size(), 5U);
    EXPECT_EQ(world.victims().size(), 2U);
    // Whom the brake stops still needs to go.
    EXPECT_EQ(world.with(Spared::brake).size(), 43U);
    world.policies[0].max_per_minute = 10;
    EXPECT_EQ(world.victims().size(), 4U);
    EXPECT_EQ(world.with(Spared::pressure).size(), 41U);
}

TEST(PolicyPlan, ThoseThatOnlyTellAreNotHeld) {
    for (const Action action : {Action::log, Action::notify}) {
        PlanWorld world = crowded(91, 0.9F, 0.7F);
        world.policies[0].action = action;
        world.policies[0].keep = 10;
        world.policies[0].max_per_minute = 1;
        world.broken = {1};
        EXPECT_EQ(world.victims().size(), 50U) << name_of(action);
    }
    PlanWorld world = crowded(91, 0.9F, 0.7F);
    world.policies[0].action = Action::cancel;
    world.policies[0].keep = 40;
    EXPECT_EQ(world.victims().size(), 10U);
}

// Two applications whose hashes collide are two applications still.
TEST(PolicyPlan, NamesAreNotJudgedByTheirHash) {
    PlanWorld world;
    Policy policy = any_idle();
    add(policy.applications, "web*");
    world.add_policy(policy);
    for (uint32_t i = 0; i < 6; i++) {
        Candidate session = idle_session(1'000 - i);
        session.application = i % 2 == 0 ? "web-1" : "nightly";
        world.add_session(session);
    }
    EXPECT_EQ(world.victims(), (Indexes{0, 2, 4}));
}

// ---- at random, against the slow way --------------------------------------------

constexpr const char* kNames[] = {"a", "b", "web-1", "web-2", ""};
constexpr const char* kGlobs[] = {"a", "web*", "?", "", "*"};

Policy random_policy(std::mt19937& random) {
    const auto one_in = [&](unsigned n) { return random() % n == 0; };
    Policy policy = any_idle(static_cast<Action>(random() % 5));
    if (one_in(2)) {
        policy.action = Action::terminate;
    }
    policy.mode = one_in(8) ? Mode::off : one_in(3) ? Mode::observe : Mode::enforce;
    if (one_in(2)) {
        add(policy.applications, kGlobs[random() % 5]);
    }
    if (one_in(3)) {
        add(policy.databases, kNames[random() % 2]);
    }
    policy.states = one_in(3) ? static_cast<uint32_t>(random() % 64) : 0;
    policy.kinds = one_in(4) ? static_cast<uint32_t>(random() % 512) : 0;
    policy.idle_for = one_in(3) ? random() % 6 * kSecond : 0;
    policy.statement_for = one_in(8) ? random() % 6 * kSecond : 0;
    policy.include_superusers = one_in(3);
    policy.keep = one_in(2) ? static_cast<int32_t>(random() % 5) : 0;
    policy.max_per_minute = one_in(3) ? static_cast<int32_t>(random() % 10) : 0;
    if (one_in(3)) {
        policy.pressure_above = static_cast<float>(random() % 999 + 1) / 1'000.0F;
        policy.pressure_below =
            one_in(2) ? policy.pressure_above * static_cast<float>(random() % 4) / 4 : 0;
        // In thousandths, as the slow way reckons.
        policy.pressure_below =
            static_cast<float>(static_cast<int>(policy.pressure_below * 1'000)) / 1'000.0F;
    }
    return policy;
}

Candidate random_session(std::mt19937& random) {
    Candidate session = random() % 4 == 0 ? active_session() : idle_session();
    session.application = kNames[random() % 5];
    session.database = kNames[random() % 2];
    // With collisions: the group is a hash.
    session.group = random() % 6;
    session.kind = static_cast<Leak>(random() % 9);
    session.state = random() % 6 == 0 ? static_cast<State>(random() % 6) : session.state;
    session.idle_for = random() % 8 * kSecond;
    session.unused_for = random() % 4 * kSecond;
    session.statement_for = random() % 8 * kSecond;
    session.opened_ago = random() % 3 * kSecond;
    session.superuser = random() % 6 == 0;
    session.untouchable = random() % 12 == 0;
    return session;
}

TEST(PolicyPlan, AsTheSlowWayDoes) {
    std::mt19937 random(5);
    size_t counts[5] = {};
    for (int round = 0; round < 10'000; round++) {
        PlanWorld world;
        for (size_t count = random() % 5; count > 0; count--) {
            world.add_policy(random_policy(random));
            world.progress.back() = {random() % 2 == 0, static_cast<uint32_t>(random() % 6)};
        }
        for (size_t count = random() % 40; count > 0; count--) {
            world.add_session(random_session(random));
        }
        world.pressure = {static_cast<uint32_t>(random() % 60), static_cast<uint32_t>(50)};
        world.broken = {random() % 12};
        PlanWorld slow = world;
        const std::vector<Decision> decisions = world.plan();
        ASSERT_EQ(decisions, slow.plan_slowly()) << "round " << round;
        for (size_t i = 0; i < world.progress.size(); i++) {
            if (world.policies[i].mode != Mode::off && world.policies[i].pressure_above > 0) {
                ASSERT_EQ(world.progress[i].under_pressure, slow.progress[i].under_pressure);
            }
            ASSERT_EQ(world.progress[i].acted_in_minute, slow.progress[i].acted_in_minute);
        }
        for (const Decision& decision : decisions) {
            counts[static_cast<size_t>(decision.spared)]++;
        }
    }
    for (const size_t count : counts) {
        EXPECT_GT(count, 200U);
    }
}

}  // namespace
}  // namespace leash
