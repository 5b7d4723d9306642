// Repetition until Ctrl-C.
#pragma once

#include <csignal>
#include <cstddef>
#include <string>
#include <string_view>

namespace leash::tool {

/// While it lives, the first Ctrl-C (or SIGTERM) asks for an end and a second
/// one kills, in case the server does not answer.
class InterruptWatch {
public:
    InterruptWatch();
    ~InterruptWatch();
    InterruptWatch(const InterruptWatch&) = delete;
    InterruptWatch& operator=(const InterruptWatch&) = delete;

    bool requested() const;

    /// Waits, but no longer than until an end is asked for.
    void sleep(double seconds) const;

private:
    struct sigaction before_interrupt_ {};
    struct sigaction before_terminate_ {};
};

/// The sequences that put text on a terminal from its first line on, over what
/// stood there; cut to its height, so that it does not scroll.
std::string screen_of(std::string_view text, std::size_t height);

}  // namespace leash::tool
