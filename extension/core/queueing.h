// Pools as queues: requests arrive at random, each holds a connection for a while.  The
// load is the mean number of connections in use (arrivals a second x seconds each), in
// erlangs; with fewer connections than that, the queue never ends.
#pragma once

#include <cmath>
#include <cstdint>

namespace leash {

// No pool is larger; what asks for more is cut.
inline constexpr uint32_t kMaxPool = 1'000'000;

// 0 for what is no load: negative, or no number.
inline double usable_load(double load) {
    return load > 0 ? std::fmin(load, kMaxPool) : 0;
}

// Erlang's C formula: the share of requests that find all connections taken and wait,
// where arrivals are Poisson and service times exponential.
inline double erlang_c(uint32_t connections, double load) {
    load = usable_load(load);
    if (load >= connections) {
        return 1;
    }
    double blocked = 1;  // Erlang's B formula, by its recursion
    for (uint32_t n = 1; n <= connections; n++) {
        blocked = load * blocked / (n + load * blocked);
    }
    const double busy = load / connections;
    return blocked / (1 - busy + busy * blocked);
}

// The smallest pool in which less than `share` (0 to 1) of the requests wait.
inline uint32_t smallest_pool(double load, double share) {
    load = usable_load(load);
    double blocked = 1;
    for (uint32_t n = 1; n < kMaxPool; n++) {
        blocked = load * blocked / (n + load * blocked);
        const double busy = load / n;
        if (busy < 1 && blocked / (1 - busy + busy * blocked) < share) {
            return n;
        }
    }
    return kMaxPool;
}

// L + 2 sqrt L, rounded up: the mean and two standard deviations of a Poisson level.  At
// least 2: a request that needs a second connection must not wait for itself.
inline uint32_t square_root_pool(double load) {
    load = usable_load(load);
    constexpr double kRounding = 1e-9;  // 4.000000000001 is measured as 4
    const double pool = std::ceil(load + 2 * std::sqrt(load) - kRounding);
    return pool < 2 ? 2 : static_cast<uint32_t>(std::fmin(pool, kMaxPool));
}

}  // namespace leash
