#include "core/compute_hours.h"

#include <memory>
#include <set>
#include <vector>

#include <gtest/gtest.h>

namespace leash {
namespace {

constexpr int64_t kNow = 29'000'123;

ActiveMinutes active_in(const std::vector<int64_t>& minutes) {
    ActiveMinutes active{};
    for (const int64_t minute : minutes) {
        active.mark(minute);
    }
    return active;
}

TEST(ActiveMinutes, AreCountedOnce) {
    ActiveMinutes active{};
    EXPECT_EQ(active.count(kNow), 0u);
    active.mark(kNow - 3);
    active.mark(kNow - 3);
    active.mark(kNow);
    EXPECT_EQ(active.count(kNow), 2u);
    EXPECT_TRUE(active.was_active(kNow - 3, kNow));
    EXPECT_FALSE(active.was_active(kNow - 2, kNow));
    EXPECT_TRUE(active.was_active(kNow, kNow));
    EXPECT_FALSE(active.was_active(kNow + 1, kNow + 1)) << "not marked yet";
}

TEST(ActiveMinutes, AreForgottenAfterAWeek) {
    ActiveMinutes active = active_in({kNow});
    EXPECT_EQ(active.count(kNow + kWeekMinutes - 1), 1u);
    EXPECT_EQ(active.count(kNow + kWeekMinutes), 0u) << "though nothing was marked since";
    EXPECT_EQ(active.count(kNow + 2 * kWeekMinutes), 0u) << "nor does it come round";
    active.mark(kNow + kWeekMinutes + 5);
    EXPECT_EQ(active.count(kNow + kWeekMinutes + 5), 1u) << "its place in the ring is empty again";
    active.mark(kNow + 10 * kWeekMinutes);
    EXPECT_EQ(active.count(kNow + 10 * kWeekMinutes), 1u);
}

TEST(ActiveMinutes, TheRingComesRound) {
    ActiveMinutes active{};
    for (int64_t minute = kNow; minute < kNow + 3 * kWeekMinutes; minute += 2) {
        active.mark(minute);
        ASSERT_TRUE(active.was_active(minute, minute));
        ASSERT_FALSE(active.was_active(minute - 1, minute));
        ASSERT_FALSE(active.was_active(minute - kWeekMinutes, minute));
    }
    EXPECT_EQ(active.count(kNow + 3 * kWeekMinutes - 2), static_cast<uint32_t>(kWeekMinutes / 2));
}

TEST(ActiveMinutes, AClockThatIsSetBackLeavesNothingInTheFuture) {
    ActiveMinutes active = active_in({kNow - 100, kNow + 58, kNow + 60});  // an hour ahead
    active.mark(kNow + 1);
    EXPECT_EQ(active.count(kNow + 1), 2u);
    EXPECT_EQ(active.count(kNow + 60), 2u) << "when the clock comes there again";
    EXPECT_FALSE(active.was_active(kNow + 58, kNow + 60));
    active = active_in({kNow - 100, kNow + 60});
    EXPECT_EQ(active.count(kNow), 1u) << "what is in the future does not count";
    active.set_back(kNow);
    EXPECT_EQ(active.count(kNow + 61), 1u);
    active.set_back(kNow - 2 * kWeekMinutes);
    EXPECT_EQ(active.count(kNow - 2 * kWeekMinutes), 0u) << "by more than a week";
    EXPECT_EQ(active.count(kNow), 0u);
}

// By the definition: what a slow and plain program finds.
std::set<int64_t> awake_minutes(const ActiveMinutes& active, int64_t delay) {
    std::set<int64_t> awake;
    for (int64_t m = kNow - kWeekMinutes + 1; m <= kNow; m++) {
        for (int64_t before = 0; before <= delay; before++) {
            if (active.was_active(m - before, kNow)) {
                awake.insert(m);
                break;
            }
        }
    }
    return awake;
}

struct Found {
    ComputeTime whole;
    std::vector<ComputeTime> each;
};

Found compute(const std::vector<ActiveMinutes>& applications, int64_t delay) {
    const auto week = std::make_unique<ComputeWeek>();
    Found found{};
    week->begin(kNow, delay);
    for (const ActiveMinutes& each : applications) {
        found.each.push_back(week->add(static_cast<int32_t>(found.each.size()), each));
    }
    week->find_alone(found.each.data(), static_cast<int32_t>(found.each.size()));
    found.whole = week->whole();
    return found;
}

TEST(ComputeHours, AStatementKeepsTheServerAwakeForTheDelay) {
    const Found found = compute({active_in({kNow - 100})}, 5);
    EXPECT_EQ(found.whole.active, 1u);
    EXPECT_EQ(found.whole.awake, 6u) << "its minute and five more";
    EXPECT_EQ(found.each[0].alone, 6u);
    EXPECT_EQ(compute({active_in({kNow - 100})}, 0).whole.awake, 1u);
}

TEST(ComputeHours, WhatIsStillToComeDoesNotCount) {
    EXPECT_EQ(compute({active_in({kNow - 1})}, 5).whole.awake, 2u);
    EXPECT_EQ(compute({active_in({kNow})}, 1'000'000).whole.awake, 1u);
}

TEST(ComputeHours, NothingRan) {
    const Found none = compute({}, 5);
    EXPECT_EQ(none.whole.awake, 0u);
    EXPECT_EQ(compute({ActiveMinutes{}}, 5).whole.awake, 0u);
}

TEST(ComputeHours, AloneIsWhereNobodyElseIs) {
    // The first keeps it awake from -100 to -95, the second from -98 to -93.
    const Found found = compute({active_in({kNow - 100}), active_in({kNow - 98})}, 5);
    EXPECT_EQ(found.whole.awake, 8u);
    EXPECT_EQ(found.whole.alone, 8u);
    EXPECT_EQ(found.each[0].awake, 6u);
    EXPECT_EQ(found.each[0].alone, 2u);
    EXPECT_EQ(found.each[1].alone, 2u);
}

TEST(ComputeHours, TheBeginOfTheWeekIsItsEdge) {
    const int64_t first = kNow - kWeekMinutes + 1;
    EXPECT_EQ(compute({active_in({first})}, 5).whole.awake, 6u);
    EXPECT_EQ(compute({active_in({first - 1})}, 5).whole.awake, 0u) << "a week ago: forgotten";
}

TEST(ComputeHours, AgreeWithTheDefinition) {
    uint64_t random = 99;
    const auto next = [&random](uint64_t below) {
        random = random * 6364136223846793005u + 1442695040888963407u;
        return static_cast<int64_t>((random >> 33) % below);
    };
    for (const int64_t delay : {0, 1, 7, 60}) {
        std::vector<ActiveMinutes> applications(4);
        for (ActiveMinutes& each : applications) {
            int64_t minute = kNow - kWeekMinutes - 500;
            while ((minute += 1 + next(400)) <= kNow) {
                each.mark(minute);
            }
        }
        const Found found = compute(applications, delay);
        std::multiset<int64_t> all;
        for (const ActiveMinutes& each : applications) {
            for (const int64_t minute : awake_minutes(each, delay)) {
                all.insert(minute);
            }
        }
        EXPECT_EQ(found.whole.awake, std::set<int64_t>(all.begin(), all.end()).size());
        for (size_t i = 0; i < applications.size(); i++) {
            const std::set<int64_t> own = awake_minutes(applications[i], delay);
            size_t alone = 0;
            for (const int64_t minute : own) {
                alone += all.count(minute) == 1 ? 1 : 0;
            }
            EXPECT_EQ(found.each[i].awake, own.size());
            EXPECT_EQ(found.each[i].alone, alone);
            EXPECT_EQ(found.each[i].active, applications[i].count(kNow));
        }
    }
}

}  // namespace
}  // namespace leash
