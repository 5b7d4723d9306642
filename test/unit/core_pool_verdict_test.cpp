// Verdicts on an application's sessions among each other.
#include <gtest/gtest.h>

#include <deque>
#include <string>
#include <vector>

#include "core/verdict.h"

namespace leash {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kMinute = 60 * kSecond;
constexpr Thresholds kLimits = {kMinute, 10 * kMinute, 10 * kMinute, kMinute};

// A session that has been of use, and idle for a number of seconds.
SessionFacts idle(uint64_t seconds) {
    SessionFacts facts{};
    facts.state = State::idle;
    facts.client_wait = ClientWait::read;
    facts.idle_for = facts.unused_for = facts.state_for = seconds * kSecond;
    facts.connected_for = facts.idle_for + 100'000 * kSecond;
    facts.statements = 10;
    facts.uses = 5;
    return facts;
}

SessionFacts works() {
    SessionFacts facts = idle(0);
    facts.state = State::active;
    facts.client_wait = ClientWait::none;
    return facts;
}

SessionFacts in_transaction(uint64_t seconds) {
    SessionFacts facts = idle(seconds);
    facts.state = State::idle_in_transaction;
    return facts;
}

// Connected for that long: a pool keeps it ready.
SessionFacts never_used(uint64_t seconds) {
    SessionFacts facts = idle(seconds);
    facts.connected_for = facts.idle_for;
    facts.statements = facts.uses = 0;
    return facts;
}

// A pool looks after it once a minute.
SessionFacts pinged(uint64_t seconds) {
    SessionFacts facts = never_used(seconds);
    facts.idle_for = facts.state_for = kSecond;
    facts.statements = seconds / 60;
    return facts;
}

struct Login {
    uint32_t role;
    uint32_t database;
    uint64_t application;
};

class Sessions {
public:
    size_t add(const SessionFacts& facts, Login login = {10, 5, 1}) {
        facts_.push_back(facts);
        verdicts_.push_back(judge(facts, kLimits));
        members_.push_back(
            {login.role, login.database, login.application, &facts_.back(), &verdicts_.back(), 0});
        return facts_.size() - 1;
    }

    // `count` of them, the first one the youngest.
    void add(size_t count, SessionFacts (*make)(uint64_t), uint64_t seconds = 1'000,
             Login login = {10, 5, 1}) {
        for (size_t i = 0; i < count; i++) {
            add(make(seconds + i), login);
        }
    }

    void add_working(size_t count) {
        for (size_t i = 0; i < count; i++) {
            add(works());
        }
    }

    void set_habits(const Habits& habits) {
        for (SessionFacts& facts : facts_) {
            facts.habits = habits;
        }
    }

    Sessions& judge_all() {
        std::vector<Member> members = members_;
        judge_pools(members.data(), members.size());
        return *this;
    }

    size_t count(Leak leak, size_t from = 0, size_t to = SIZE_MAX) const {
        size_t count = 0;
        for (size_t i = from; i < verdicts_.size() && i < to; i++) {
            count += verdicts_[i].leak == leak ? 1 : 0;
        }
        return count;
    }

    size_t leaked() const {
        size_t count = 0;
        for (const Verdict& verdict : verdicts_) {
            count += is_leaked(verdict.leak) ? 1 : 0;
        }
        return count;
    }

    const Verdict& operator[](size_t i) const { return verdicts_[i]; }

    std::string reason(size_t i) const {
        char text[256];
        return std::string(text, describe(verdicts_[i], facts_[i], text, sizeof text));
    }

private:
    std::deque<SessionFacts> facts_;
    std::deque<Verdict> verdicts_;
    std::vector<Member> members_;
};

size_t abandoned(size_t idle_sessions, size_t working) {
    Sessions all;
    all.add(idle_sessions, idle);
    all.add_working(working);
    return all.judge_all().count(Leak::abandoned);
}

TEST(Pool, NobodyAtAll) {
    judge_pools(nullptr, 0);
}

TEST(Pool, TenMayBeKept) {
    EXPECT_EQ(abandoned(10, 0), 0U);
    EXPECT_EQ(abandoned(11, 0), 1U);
    EXPECT_EQ(abandoned(25, 0), 15U);
}

TEST(Pool, OrTwiceWhatIsInUse) {
    EXPECT_EQ(abandoned(5, 5), 0U);    // ten in all
    EXPECT_EQ(abandoned(20, 4), 14U);  // 24 - 10
    EXPECT_EQ(abandoned(20, 20), 0U);  // 40 - 40
    EXPECT_EQ(abandoned(30, 10), 20U);
}

TEST(Pool, OpenTransactionsAreInUse) {
    Sessions all;
    all.add(6, in_transaction, 1);
    all.add(7, idle);
    EXPECT_EQ(all.judge_all().count(Leak::abandoned), 1U);  // 13 - 12
}

// Those that leak in another way do not justify more, nor does anybody go in their place.
TEST(Pool, OtherLeaksAreNoneOfThePools) {
    Sessions all;
    all.add(20, in_transaction);
    all.add(12, idle);
    all.judge_all();
    EXPECT_EQ(all.count(Leak::idle_in_transaction), 20U);
    EXPECT_EQ(all.count(Leak::abandoned), 2U);
    EXPECT_EQ(all.count(Leak::unused), 10U);
}

TEST(Pool, OldestFirst) {
    Sessions all;
    all.add(13, idle);
    all.judge_all();
    EXPECT_EQ(all.count(Leak::abandoned, 10, 13), 3U);
    EXPECT_EQ(all.count(Leak::unused, 0, 10), 10U);
}

// Those not idle for long enough count as members, and are not accused.
TEST(Pool, WhoRestedForAMomentIsNotAccused) {
    Sessions all;
    all.add(13, idle);
    all.add(2, idle, 1);
    EXPECT_EQ(all.judge_all().count(Leak::abandoned), 5U);
    EXPECT_EQ(all.count(Leak::none, 13), 2U);
}

TEST(Pool, ApplicationsAreApart) {
    Sessions all;
    all.add(10, idle, 1'000, {10, 5, 1});
    all.add(10, idle, 1'000, {10, 5, 2});
    all.add(10, idle, 1'000, {11, 5, 1});
    all.add(10, idle, 1'000, {10, 6, 3});
    all.add(12, idle, 1'000, {10, 5, 3});
    all.judge_all();
    EXPECT_EQ(all.leaked(), 2U);
    EXPECT_EQ(all.count(Leak::abandoned, 40), 2U);
}

// Exempt sessions are members; they only appear abandoned, and shield nobody else.
TEST(Pool, TheExemptOnlyAppearSo) {
    Sessions all;
    all.add(11, idle);
    SessionFacts listener = idle(5'000);
    listener.listens = true;
    all.add(listener);
    all.add(listener);
    all.judge_all();
    EXPECT_EQ(all.count(Leak::abandoned, 8, 11), 3U);
    EXPECT_EQ(all.leaked(), 3U);
    for (size_t i = 0; i < 13; i++) {
        EXPECT_EQ(all[i].apparent, i < 8 ? Leak::unused : Leak::abandoned) << i;
    }
}

// ---- what a pool keeps ready ----------------------------------------------------

// HikariCP's ten, asyncpg's ten: one is used, the others are there in case.
TEST(Ready, WhatAPoolHasNotNeededYetIsUnused) {
    for (const auto make : {never_used, pinged}) {
        Sessions all;
        all.add(idle(1));
        all.add(9, make);
        all.judge_all();
        EXPECT_EQ(all.count(Leak::none), 1U);
        EXPECT_EQ(all.count(Leak::unused), 9U);
        EXPECT_EQ(all.reason(1),
                  "not used for 16min 40s (limit 10min), within what a pool may keep");
        EXPECT_EQ(all[1].leaked_for, 1'000 * kSecond);
        EXPECT_EQ(all[1].threshold, 10 * kMinute);
    }
}

// Nor does it matter for how long the one that is used has rested.
TEST(Ready, AtNightToo) {
    Sessions all;
    all.add(idle(30'000));
    all.add(9, pinged, 1'000);
    EXPECT_EQ(all.judge_all().count(Leak::unused), 10U);
}

TEST(Ready, WhereNobodyWasEverOfUseAllAreLeaks) {
    for (const size_t count : {1U, 10U, 30U}) {
        Sessions all;
        all.add(count, never_used);
        all.add(count, pinged);
        all.judge_all();
        EXPECT_EQ(all.count(Leak::never_used), count);
        EXPECT_EQ(all.count(Leak::ping_only), count);
    }
}

TEST(Ready, AnotherApplicationsUseIsNotTheirs) {
    Sessions all;
    all.add(9, never_used);
    all.add(idle(1), {10, 5, 2});
    EXPECT_EQ(all.judge_all().count(Leak::never_used), 9U);
}

// A pooler's connections have no name while no client has them.
constexpr Login kNameless = {10, 5, 0};

TEST(Ready, TheNamelessAreKeptForAllWithTheirLogin) {
    for (const Login& user : {Login{10, 5, 1}, Login{10, 6, 1}, Login{11, 5, 1}, Login{9, 5, 1}}) {
        Sessions all;
        all.add(9, never_used, 1'000, kNameless);
        all.add(9, never_used, 1'000, {10, 5, 2});
        all.add(idle(1), user);
        all.judge_all();
        const bool theirs = user.role == 10 && user.database == 5;
        EXPECT_EQ(all.count(Leak::unused, 0, 9), theirs ? 9U : 0U);
        EXPECT_EQ(all.count(Leak::never_used, 9, 18), 9U);
    }
}

TEST(Ready, TheNamelessMayBeTwiceWhatTheirLoginUses) {
    Sessions all;
    all.add(23, never_used, 1'000, kNameless);
    for (uint64_t application = 1; application <= 11; application++) {
        all.add(works(), {10, 5, application});
    }
    all.add(works(), {10, 6, 1});
    all.judge_all();
    EXPECT_EQ(all.count(Leak::unused), 22U);
    EXPECT_EQ(all.count(Leak::never_used), 1U);
}

// A pool replaces its connections, every half an hour say.
TEST(Ready, SessionsThatHaveEndedCount) {
    Sessions all;
    all.add(10, never_used);
    all.set_habits({0, 0, true});
    EXPECT_EQ(all.judge_all().count(Leak::unused), 10U);
}

// The first statement is under way, and will be for a while.
TEST(Ready, AStatementThatTakesItsTimeCounts) {
    SessionFacts first = works();
    first.uses = 0;
    for (const uint64_t state_for : {kSecond / 2, kSecond}) {
        Sessions all;
        first.state_for = state_for;
        all.add(first);
        all.add(4, never_used);
        EXPECT_EQ(all.judge_all().leaked(), state_for < kSecond ? 4U : 0U);
    }
    first.client_wait = ClientWait::read;
    Sessions all;
    all.add(first);
    all.add(4, never_used);
    EXPECT_EQ(all.judge_all().count(Leak::never_used), 4U);
}

TEST(Ready, TooManyAreLeaksAllTheSame) {
    Sessions all;
    all.add(idle(1));
    all.add(14, never_used);
    all.judge_all();
    EXPECT_EQ(all.count(Leak::never_used, 10, 15), 5U);
    EXPECT_EQ(all.count(Leak::unused, 1, 10), 9U);
}

// Those once used and those never used are one pool; each has its own age.
TEST(Ready, OldestFirstOfBoth) {
    Sessions all;
    all.add(6, pinged, 2'000);
    all.add(6, idle, 1'000);
    all.add(4, idle, 3'000);
    all.judge_all();
    EXPECT_EQ(all.count(Leak::abandoned, 12, 16), 4U);
    EXPECT_EQ(all.count(Leak::ping_only, 4, 6), 2U);
    EXPECT_EQ(all.leaked(), 6U);
}

TEST(Ready, TheExemptOnlyAppearSo) {
    SessionFacts listener = never_used(1'000);
    listener.listens = true;
    Sessions all;
    all.add(idle(1));
    all.add(listener);
    all.judge_all();
    EXPECT_EQ(all[1].leak, Leak::none);
    EXPECT_EQ(all[1].apparent, Leak::unused);
}

// ---- what is known of an application ---------------------------------------------

// Thirty rest at night, fifteen of which work by day.
TEST(Habit, WhatBusyTimesNeedMayRest) {
    for (const uint64_t habit : {uint64_t{0}, 20 * kMinute}) {
        Sessions all;
        all.add(30, idle, 30'000);
        all.set_habits({habit, 15, true});
        all.judge_all();
        EXPECT_EQ(all.count(Leak::unused), 30U);
        all.set_habits({habit, 14, true});
        all.judge_all();
        EXPECT_EQ(all.count(Leak::abandoned), 2U);
    }
}

TEST(Habit, LongerThanItLastsWithinAPoolIsUnused) {
    Sessions all;
    all.add(10, idle, 30'000);
    all.set_habits({20 * kMinute, 0, true});
    EXPECT_EQ(all.judge_all().count(Leak::unused), 10U);
    EXPECT_EQ(all.reason(0),
              "idle for 8h 20min (limit 10min), longer than its application ever leaves a "
              "session idle, within what a pool may keep");
}

TEST(Habit, WhatItAlwaysDoesIsNotAbandoned) {
    Sessions all;
    all.add(20, idle, 1'000);  // up to 1019 s
    all.set_habits({1'015 * kSecond, 0, true});
    all.judge_all();
    EXPECT_EQ(all.count(Leak::abandoned, 15, 20), 5U);
    EXPECT_EQ(all.count(Leak::unused, 0, 15), 15U);
    EXPECT_EQ(all[19].threshold, 1'015 * kSecond);
    EXPECT_EQ(all.reason(19),
              "idle for 16min 59s, longer than its application ever leaves a session idle "
              "(limit 16min 55s), and that holds more sessions than it uses");
    EXPECT_EQ(all.reason(0), "idle for 16min 40s (limit 10min), within what a pool may keep");
}

// It excuses nobody else.
TEST(Habit, IsNotThatOfSessionsThatWereNeverUsed) {
    Sessions all;
    all.add(6, pinged, 1'000);
    all.add(8, idle, 2'000);
    all.set_habits({3'000 * kSecond, 0, true});
    all.judge_all();
    EXPECT_EQ(all.count(Leak::ping_only, 2, 6), 4U);
    EXPECT_EQ(all.leaked(), 4U);
}

TEST(Habit, TheThresholdHoldsBesideIt) {
    Sessions all;
    all.add(20, idle, 500);
    all.add(20, idle, 700);
    all.set_habits({kSecond, 0, true});
    all.judge_all();
    EXPECT_EQ(all.count(Leak::none, 0, 20), 20U);
    EXPECT_EQ(all.count(Leak::abandoned, 20), 20U);
    EXPECT_EQ(all[20].threshold, 10 * kMinute);
}

// A session that just came is not known by its application yet.
TEST(Habit, OneMemberThatKnowsIsEnough) {
    Sessions all;
    all.add(29, idle, 30'000);
    all.set_habits({0, 15, true});
    all.add(never_used(1'000));
    EXPECT_EQ(all.judge_all().count(Leak::unused), 30U);
}

}  // namespace
}  // namespace leash
