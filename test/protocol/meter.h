// What a client itself knows about where its session's time went.
#pragma once

#include <array>
#include <chrono>
#include <cstddef>
#include <string>

namespace leash::protocol {

using Clock = std::chrono::steady_clock;
using Milliseconds = std::chrono::duration<double, std::milli>;

// In milliseconds.
struct Buckets {
    double active = 0;
    double idle = 0;
    double in_transaction = 0;

    double life() const { return active + idle + in_transaction; }
};

// Active is from sending a command until the server is ready for the next one; the
// rest is idle or idle in transaction, as the server's last ReadyForQuery said.
class Meter {
public:
    // The server is ready for the first command.
    void start() {
        since_ = Clock::now();
        phase_ = idle;
    }

    // Something is on its way to the server; nothing new when something already is.
    void sent() { enter(active); }

    void ready(bool transaction_open) {
        const Phase phase = transaction_open ? in_transaction : idle;
        answers_[phase]++;
        enter(phase);
    }

    // How often the server became ready, outside a transaction or within one.
    int answers(bool transaction_open) const {
        return answers_[transaction_open ? in_transaction : idle];
    }

    // The sums up to a moment after the last change.
    Buckets at(Clock::time_point moment) const {
        std::array<double, 3> sums = sums_;
        if (moment > since_) {
            sums[phase_] += Milliseconds(moment - since_).count();
        }
        return {sums[active], sums[idle], sums[in_transaction]};
    }
    Buckets now() const { return at(Clock::now()); }

private:
    enum Phase : size_t { active, idle, in_transaction };

    void enter(Phase phase) {
        const Clock::time_point now = Clock::now();
        sums_[phase_] += Milliseconds(now - since_).count();
        since_ = now;
        phase_ = phase;
    }

    Phase phase_ = idle;
    Clock::time_point since_ = Clock::now();
    std::array<double, 3> sums_{};
    std::array<int, 3> answers_{};
};

}  // namespace leash::protocol
