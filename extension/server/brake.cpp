#include "server/brake.h"

namespace leash {
namespace {

constexpr uint64_t kSeconds = 60;

uint64_t second_of(uint64_t now) {
    return now / 1'000'000'000;
}

}  // namespace

void release_brake(PolicySet& set, int policy, uint64_t now) {
    auto& by_second = set.ended_by_second[policy];
    const uint64_t second = second_of(now);
    const uint64_t last = set.brake_second[policy];
    const uint64_t passed = second > last ? Min(second - last, kSeconds) : 0;
    for (uint64_t i = 0; i < passed; i++) {
        by_second[(second - i) % kSeconds] = 0;
    }
    set.brake_second[policy] = Max(second, last);
    uint32_t sum = 0;
    for (const uint32_t count : by_second) {
        sum += count;
    }
    set.progress[policy].acted_in_minute = sum;
}

void count_for_brake(PolicySet& set, int policy, uint64_t now) {
    release_brake(set, policy, now);
    set.ended_by_second[policy][second_of(now) % kSeconds]++;
    set.progress[policy].acted_in_minute++;
}

}  // namespace leash
