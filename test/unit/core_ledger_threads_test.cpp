// A ledger that is read while its owner writes it.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "core/ledger.h"

namespace leash {
namespace {

constexpr uint64_t kOpened = 1'000;
constexpr uint64_t kFuture = uint64_t{1} << 62;
constexpr int kCommands = 300'000;

// A copy is whole when every nanosecond up to `since` is in exactly one sum.
bool is_whole(const LedgerCopy& copy) {
    return copy.active_time + copy.idle_time + copy.in_transaction_time == copy.since - kOpened;
}

TEST(LedgerThreads, ReadersSeeWholeCopies) {
    Ledger ledger{};
    ledger.open(kOpened);
    std::atomic<bool> over{false};
    std::atomic<uint64_t> torn{0};
    std::atomic<uint64_t> read{0};
    const auto watch = [&] {
        uint64_t last = 0;
        while (!over) {
            const LedgerCopy copy = ledger.read();
            read++;
            if (!copy.whole) {
                // The owner lost its processor: no age must come from this copy.
                torn += copy.active && copy.since > kFuture ? 0 : 1;
                continue;
            }
            if (!is_whole(copy) || copy.since < last) {
                torn++;
            }
            last = copy.since;
        }
    };
    std::thread readers[] = {std::thread(watch), std::thread(watch)};
    uint64_t now = kOpened;
    for (int i = 0; i < kCommands; i++) {
        ledger.arrive(now += 7, 3, i % 2 == 0 ? Gap::idle : Gap::in_transaction);
        ledger.depart(now += 5);
    }
    over = true;
    for (std::thread& reader : readers) {
        reader.join();
    }
    EXPECT_EQ(torn, 0U) << "of " << read;
    const LedgerCopy last = ledger.read();
    EXPECT_TRUE(last.whole);
    EXPECT_EQ(last.since, now);
}

}  // namespace
}  // namespace leash
