// One client of pgleash serve: its request comes in, an answer goes out.
#pragma once

#include <chrono>
#include <cstddef>
#include <string>
#include <string_view>

#include "descriptor.h"

namespace leash::tool {

/// Never waits: whoever has it polls the socket and says when it is ready.
class Exchange {
public:
    using Clock = std::chrono::steady_clock;

    enum class State {
        kReceiving,  ///< the request is not complete
        kAsking,     ///< complete; the answer is being made
        kSending,
        kLeaving,  ///< all is sent; what the client still sends must not cut that off
        kOver,
    };

    /// patience: for the whole request to come, and then for the whole answer to go.
    Exchange(Descriptor socket, std::chrono::milliseconds patience);

    State state() const { return state_; }
    int socket() const { return socket_.get(); }
    /// What to poll for; 0 when nothing.
    short events() const;
    /// When the client has had its time; not while it is asking.
    Clock::time_point deadline() const { return deadline_; }

    /// The socket is ready for what was polled for, or broken.
    void proceed();
    /// The deadline has passed.
    void expire();

    /// The first line of a complete request, without its end.
    std::string_view request_line() const;
    /// A whole HTTP response.
    void answer(std::string response);

private:
    void receive();
    void send();
    void leave();
    void enter(State state);

    Descriptor socket_;
    std::chrono::milliseconds patience_;
    State state_ = State::kReceiving;
    Clock::time_point deadline_;
    std::string text_;  ///< the request, then what is left of the answer
    std::size_t sent_ = 0;
};

}  // namespace leash::tool
