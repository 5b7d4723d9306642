#include "core/breaker.h"

#include <gtest/gtest.h>

#include <algorithm>
#include <deque>
#include <random>

namespace leash {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kStart = 1'000 * kSecond;

// `reaps` sessions are ended, a tenth of a second apart.
uint64_t reap(Breaker& breaker, int reaps, uint64_t now) {
    for (int i = 0; i < reaps; i++) {
        note_reap(breaker, now, 0);
        now += kSecond / 10;
    }
    return now;
}

// `sessions` open at `opened`; whether one of them opens the breaker.
bool reconnect(Breaker& breaker, int sessions, uint64_t opened, uint64_t now) {
    for (int i = 0; i < sessions; i++) {
        if (note_opened(breaker, opened, 0, now)) {
            EXPECT_EQ(i, sessions - 1) << "and earlier than expected";
            return true;
        }
    }
    return false;
}

bool reconnect(Breaker& breaker, int sessions, uint64_t opened) {
    return reconnect(breaker, sessions, opened, opened);
}

TEST(Breaker, FourOfFiveOpenIt) {
    Breaker breaker{};
    uint64_t now = reap(breaker, 5, kStart);
    EXPECT_FALSE(reconnect(breaker, 3, now));
    EXPECT_FALSE(is_open(breaker, now));
    EXPECT_TRUE(reconnect(breaker, 1, now));
    EXPECT_TRUE(is_open(breaker, now));
    EXPECT_TRUE(is_open(breaker, now + kBreakerOpenFor - 1));
    EXPECT_FALSE(is_open(breaker, now + kBreakerOpenFor));
}

TEST(Breaker, FewerThanFiveReapsTellNothing) {
    Breaker breaker{};
    const uint64_t now = reap(breaker, 4, kStart);
    EXPECT_FALSE(reconnect(breaker, 10, now));
    EXPECT_FALSE(is_open(breaker, now));
}

TEST(Breaker, FewerThanFourOfFive) {
    Breaker breaker{};
    const uint64_t now = reap(breaker, 10, kStart);
    EXPECT_FALSE(reconnect(breaker, 7, now));
    EXPECT_TRUE(reconnect(breaker, 1, now));
}

TEST(Breaker, AtOnceIsWithinTwoSeconds) {
    for (const auto& [after, counts] : {std::pair{kAtOnce - 1, true}, std::pair{kAtOnce, false}}) {
        Breaker breaker{};
        for (int i = 0; i < 5; i++) {
            note_reap(breaker, kStart, 0);
        }
        EXPECT_EQ(reconnect(breaker, 4, kStart + after), counts);
    }
}

TEST(Breaker, BeforeTheFirstReapNobodyCameBack) {
    Breaker breaker{};
    EXPECT_FALSE(reconnect(breaker, 10, kStart));
    reap(breaker, 5, kStart);
    EXPECT_FALSE(reconnect(breaker, 10, kStart - 1, kStart + kSecond));
    EXPECT_EQ(breaker.reconnected, 0U);
}

// Those ended first are back before the last is ended.
TEST(Breaker, InTheMiddleOfABurst) {
    Breaker breaker{};
    const uint64_t now = reap(breaker, 50, kStart);  // takes 5 s
    EXPECT_TRUE(reconnect(breaker, 40, kStart + kSecond / 20, now));
}

// Between two bursts a session that opens has nothing to do with them.
TEST(Breaker, BetweenBursts) {
    Breaker breaker{};
    reap(breaker, 5, kStart);
    reap(breaker, 5, kStart + 10 * kSecond);
    EXPECT_FALSE(reconnect(breaker, 20, kStart + 9 * kSecond, kStart + 11 * kSecond));
    EXPECT_EQ(breaker.reconnected, 0U);
}

// Reaps that come one by one, every ten seconds, each answered by a new session.
TEST(Breaker, WhackAMole) {
    Breaker breaker{};
    uint64_t now = kStart;
    for (int i = 1; i <= 5; i++, now += 10 * kSecond) {
        note_reap(breaker, now, 0);
        EXPECT_EQ(note_opened(breaker, now + kSecond, 0, now + kSecond), i == 5);
    }
    EXPECT_TRUE(is_open(breaker, now));
}

TEST(Breaker, TheWindowStartsAnew) {
    Breaker breaker{};
    reap(breaker, 4, kStart);
    EXPECT_FALSE(reconnect(breaker, 4, kStart + kSecond));
    note_reap(breaker, kStart + kBreakerWindow - 1, 0);
    EXPECT_EQ(breaker.reaped, 5U);
    note_reap(breaker, kStart + kBreakerWindow, 0);
    EXPECT_EQ(breaker.reaped, 1U);
    EXPECT_EQ(breaker.reconnected, 0U);
    EXPECT_FALSE(reconnect(breaker, 4, kStart + kBreakerWindow + 1));
}

// On a machine that has only just started.
TEST(Breaker, TheFirstWindowBeginsWithTheFirstReap) {
    Breaker breaker{};
    note_reap(breaker, kSecond, 0);
    EXPECT_FALSE(note_opened(breaker, kSecond - 1, 0, kSecond));
    EXPECT_EQ(breaker.reconnected, 0U);
    note_reap(breaker, kBreakerWindow + kSecond - 1, 0);
    EXPECT_EQ(breaker.reaped, 2U);
    note_reap(breaker, kBreakerWindow + kSecond, 0);
    EXPECT_EQ(breaker.reaped, 1U);
}

// A group that opens sessions all day long must not make up for victims that stay away
// in the rest of the window.
TEST(Breaker, NoMoreComeBackThanWereEnded) {
    Breaker breaker{};
    note_reap(breaker, kStart, 0);
    EXPECT_FALSE(reconnect(breaker, 100, kStart + 1));
    EXPECT_EQ(breaker.reconnected, 1U);
    const uint64_t now = reap(breaker, 9, kStart + 30 * kSecond);
    EXPECT_FALSE(reconnect(breaker, 6, now));
    EXPECT_TRUE(reconnect(breaker, 1, now));
}

TEST(Breaker, OpensOnceAndThenStartsAnew) {
    Breaker breaker{};
    uint64_t now = reap(breaker, 5, kStart);
    EXPECT_TRUE(reconnect(breaker, 4, now));
    EXPECT_FALSE(reconnect(breaker, 20, now));
    // Not even what is ended by hand meanwhile keeps it open for longer.
    reap(breaker, 5, now + 70 * kSecond);
    EXPECT_FALSE(reconnect(breaker, 5, now + 71 * kSecond));
    EXPECT_FALSE(is_open(breaker, now + kBreakerOpenFor));
    now += kBreakerOpenFor;
    EXPECT_FALSE(is_open(breaker, now));
    EXPECT_FALSE(reconnect(breaker, 20, now));
    note_reap(breaker, now, 0);
    EXPECT_EQ(breaker.reaped, 1U);
    now = reap(breaker, 4, now);
    EXPECT_TRUE(reconnect(breaker, 4, now));
}

// A client that leaks steadily: as many sessions open as are ended, but not because of it.
TEST(Breaker, ASteadyLeakIsNotSpared) {
    for (const uint64_t rate : {1, 5, 100}) {
        Breaker breaker{};
        uint64_t seen = kStart;
        const uint64_t between = kSecond / rate;
        for (uint64_t now = kStart; now < kStart + 300 * kSecond; now += kSecond) {
            for (; seen < now; seen += between) {
                ASSERT_FALSE(note_opened(breaker, seen, 0, now)) << rate;
            }
            for (uint64_t i = 0; i < rate; i++) {
                note_reap(breaker, now, between);
            }
        }
    }
}

// The same with sessions that come at random, and what is usual as it can be known: from
// those that are there.  Where there are too few of them to tell, growth tells.
TEST(Breaker, ALeakAtRandomIsNotSparedForLong) {
    constexpr uint64_t kThreshold = 10 * kSecond;
    for (const double rate : {0.3, 1.0, 5.0, 50.0}) {
        for (unsigned seed = 0; seed < 20; seed++) {
            std::mt19937_64 random(seed);
            std::exponential_distribution<double> gap(rate / static_cast<double>(kSecond));
            std::deque<uint64_t> there;
            size_t most = 0;
            Breaker breaker{};
            uint64_t next = kStart;
            for (uint64_t now = kStart; now < kStart + 600 * kSecond; now += kSecond) {
                for (; next < now; next += static_cast<uint64_t>(gap(random))) {
                    there.push_back(next);
                    const auto size = static_cast<uint32_t>(there.size());
                    EXPECT_FALSE(note_opened(breaker, next, size, now) && rate > 1);
                }
                const auto size = static_cast<uint32_t>(there.size());
                close_if_grown(breaker, size, now);
                while (!is_open(breaker, now) && !there.empty() &&
                       there.front() + kThreshold <= now) {
                    there.pop_front();
                    const uint64_t span = there.empty() ? 0 : now - there.front();
                    note_reap(breaker, now,
                              there.empty() ? 0 : std::max(span, kAtOnce) / there.size());
                }
                most = std::max(most, there.size());
            }
            EXPECT_LE(most, static_cast<size_t>(10 * rate * 2 + 20)) << rate << " " << seed;
        }
    }
}

TEST(Breaker, AGroupThatGrowsIsSparedNoLonger) {
    Breaker breaker{};
    const uint64_t now = reap(breaker, 20, kStart);
    for (uint32_t i = 1; i <= 16; i++) {
        EXPECT_EQ(note_opened(breaker, now, 30 + i, now), i == 16);
    }
    EXPECT_FALSE(close_if_grown(breaker, 46 + 10, now));
    EXPECT_TRUE(is_open(breaker, now));
    EXPECT_TRUE(close_if_grown(breaker, 46 + 11, now));
    EXPECT_FALSE(is_open(breaker, now));
    EXPECT_FALSE(close_if_grown(breaker, 1000, now)) << "once";
}

// The same client, once it has lost a pool besides.
TEST(Breaker, MoreThanIsUsual) {
    Breaker breaker{};
    for (int i = 0; i < 10; i++) {
        note_reap(breaker, kStart, kSecond / 2);
    }
    EXPECT_FALSE(reconnect(breaker, 4, kStart + 1));
    EXPECT_EQ(breaker.reconnected, 0U);
    EXPECT_TRUE(reconnect(breaker, 8, kStart + 1));
}

TEST(Breaker, WhatIsUsualIsAskedOncePerBurst) {
    Breaker breaker{};
    EXPECT_TRUE(begins_burst(breaker, kStart));
    note_reap(breaker, kStart, 3);
    EXPECT_FALSE(begins_burst(breaker, kStart + kAtOnce - 1));
    note_reap(breaker, kStart + kAtOnce - 1, 0);
    EXPECT_EQ(breaker.usual_gap, 3U);
    EXPECT_TRUE(begins_burst(breaker, kStart + 2 * kAtOnce - 1));
}

// Two processes read the clock; the later reading may be noted first.
TEST(Breaker, ReadingsOutOfOrder) {
    Breaker breaker{};
    note_reap(breaker, kStart, 0);
    note_reap(breaker, kStart - 100, 0);
    EXPECT_EQ(breaker.reaped, 2U);
    EXPECT_FALSE(is_open(breaker, 0));
}

}  // namespace
}  // namespace leash
