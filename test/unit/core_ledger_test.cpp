#include "core/ledger.h"

#include <gtest/gtest.h>

namespace leash {
namespace {

constexpr uint64_t kAll = ~uint64_t{0};

struct OpenLedger : testing::Test {
    void SetUp() override { ledger.open(1'000); }
    LedgerCopy read() const { return ledger.read(); }

    Ledger ledger{};
};

TEST_F(OpenLedger, BeginsIdleWithNothing) {
    const LedgerCopy copy = read();
    EXPECT_TRUE(copy.whole);
    EXPECT_EQ(copy.since, 1'000U);
    EXPECT_FALSE(copy.active);
    EXPECT_EQ(copy.active_time + copy.idle_time + copy.in_transaction_time, 0U);
    EXPECT_EQ(copy.longest_idle, 0U);
}

TEST_F(OpenLedger, ForgetsTheSessionBefore) {
    ledger.arrive(2'000, 0, Gap::idle);
    ledger.depart(3'000);
    ledger.open(9'000);
    const LedgerCopy copy = read();
    EXPECT_EQ(copy.since, 9'000U);
    EXPECT_EQ(copy.active_time + copy.idle_time + copy.longest_idle, 0U);
}

TEST_F(OpenLedger, IdleGap) {
    EXPECT_EQ(ledger.arrive(5'000, 0, Gap::idle), 5'000U);
    EXPECT_TRUE(read().active);
    ledger.depart(7'000);
    const LedgerCopy copy = read();
    EXPECT_FALSE(copy.active);
    EXPECT_EQ(copy.since, 7'000U);
    EXPECT_EQ(copy.idle_time, 4'000U);
    EXPECT_EQ(copy.active_time, 2'000U);
    EXPECT_EQ(copy.in_transaction_time, 0U);
    EXPECT_EQ(copy.longest_idle, 4'000U);
}

TEST_F(OpenLedger, GapInTransaction) {
    ledger.arrive(5'000, 0, Gap::in_transaction);
    ledger.depart(6'000);
    EXPECT_EQ(read().in_transaction_time, 4'000U);
    EXPECT_EQ(read().idle_time, 0U);
    EXPECT_EQ(read().longest_idle, 4'000U);
}

// Busy for the first part of the gap, with what nobody noticed.
TEST_F(OpenLedger, GapInBlockThatWasBusyAtFirst) {
    EXPECT_EQ(ledger.arrive_in_block(5'000, 500, 1'500), 4'500U);
    ledger.depart(6'000);
    const LedgerCopy copy = read();
    EXPECT_EQ(copy.active_time, 3'000U);
    EXPECT_EQ(copy.in_transaction_time, 2'000U);
    EXPECT_EQ(copy.longest_idle, 2'000U);
    EXPECT_EQ(copy.idle_time, 0U);
}

TEST_F(OpenLedger, GapInBlockThatWasBusyThroughout) {
    EXPECT_EQ(ledger.arrive_in_block(5'000, 0, kAll), 5'000U);
    const LedgerCopy copy = read();
    EXPECT_EQ(copy.active_time, 4'000U);
    EXPECT_EQ(copy.in_transaction_time + copy.longest_idle, 0U);
}

TEST_F(OpenLedger, GapInBlockThatWasNeverBusy) {
    ledger.arrive_in_block(5'000, 0, 0);
    EXPECT_EQ(read().active_time, 0U);
    EXPECT_EQ(read().in_transaction_time, 4'000U);
}

// Between two messages of a pipeline PostgreSQL calls the session active.
TEST_F(OpenLedger, GapInPipeline) {
    ledger.arrive(5'000, 0, Gap::active);
    ledger.depart(6'000);
    EXPECT_EQ(read().active_time, 5'000U);
    EXPECT_EQ(read().idle_time + read().in_transaction_time, 0U);
    EXPECT_EQ(read().longest_idle, 0U);
}

TEST_F(OpenLedger, LongestIdleIsTheLongest) {
    ledger.arrive(5'000, 0, Gap::idle);
    ledger.depart(6'000);
    ledger.arrive(15'000, 0, Gap::in_transaction);
    ledger.depart(16'000);
    ledger.arrive(17'000, 0, Gap::idle);
    EXPECT_EQ(read().longest_idle, 9'000U);
}

TEST_F(OpenLedger, LeadBelongsToTheCommand) {
    EXPECT_EQ(ledger.arrive(5'000, 1'500, Gap::idle), 3'500U);
    EXPECT_EQ(read().since, 3'500U);
    EXPECT_EQ(read().idle_time, 2'500U);
    ledger.depart(6'000);
    EXPECT_EQ(read().active_time, 2'500U);
}

// The wall clock that measured the lead may have been set.
TEST_F(OpenLedger, LeadIsClampedToTheGap) {
    EXPECT_EQ(ledger.arrive(5'000, 4'000, Gap::idle), 1'000U);
    ledger.depart(6'000);
    EXPECT_EQ(read().idle_time, 0U);
    EXPECT_EQ(read().active_time, 5'000U);
    EXPECT_EQ(ledger.arrive(8'000, kAll, Gap::idle), 6'000U);
    EXPECT_EQ(read().idle_time, 0U);
}

TEST_F(OpenLedger, TimeThatGoesBackCountsNothing) {
    EXPECT_EQ(ledger.arrive(400, 100, Gap::idle), 1'000U);
    ledger.depart(500);
    const LedgerCopy copy = read();
    EXPECT_EQ(copy.since, 1'000U);
    EXPECT_FALSE(copy.active);
    EXPECT_EQ(copy.active_time + copy.idle_time, 0U);
}

// A commit after the statement was thought to have ended.
TEST_F(OpenLedger, SecondDepartureExtendsTheCommand) {
    ledger.arrive(2'000, 0, Gap::idle);
    ledger.depart(3'000);
    ledger.depart(4'500);
    EXPECT_EQ(read().active_time, 2'500U);
    EXPECT_EQ(read().since, 4'500U);
}

// An arrival that is noticed while a command is open: no gap lies between.
TEST_F(OpenLedger, ArrivalWhileActive) {
    ledger.arrive(2'000, 0, Gap::idle);
    ledger.arrive(3'000, 0, Gap::idle);
    EXPECT_EQ(read().idle_time, 1'000U);
    EXPECT_EQ(read().active_time, 1'000U);
    EXPECT_EQ(read().longest_idle, 1'000U);
}

TEST_F(OpenLedger, SkippedTimeCountsNowhere) {
    ledger.arrive(2'000, 0, Gap::idle);
    ledger.depart(3'000);
    ledger.skip(50'000);
    ledger.arrive(51'000, 0, Gap::idle);
    ledger.depart(52'000);
    const LedgerCopy copy = read();
    EXPECT_EQ(copy.idle_time, 2'000U);
    EXPECT_EQ(copy.active_time, 2'000U);
    EXPECT_EQ(copy.longest_idle, 1'000U);
}

// Every nanosecond since open() is in exactly one sum, up to `since`.
TEST_F(OpenLedger, SumsCoverAllTime) {
    uint64_t now = 1'000;
    uint32_t random = 12'345;
    for (int i = 0; i < 100'000; i++) {
        random = random * 1'664'525 + 1'013'904'223;
        now += random >> 22;
        const auto gap = static_cast<Gap>((random >> 8) % 3);
        switch ((random >> 16) % 4) {
            case 0:
            case 1:
                ledger.arrive(now, random >> 20, gap);
                break;
            default:
                ledger.depart(now);
        }
        const LedgerCopy copy = read();
        ASSERT_EQ(copy.active_time + copy.idle_time + copy.in_transaction_time, copy.since - 1'000);
        ASSERT_LE(copy.longest_idle, copy.idle_time + copy.in_transaction_time);
    }
}

}  // namespace
}  // namespace leash
