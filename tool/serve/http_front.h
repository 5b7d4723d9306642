#pragma once

#include <chrono>
#include <csignal>
#include <cstddef>
#include <cstdint>
#include <functional>
#include <map>
#include <vector>

#include <poll.h>

#include "descriptor.h"
#include "serve/answer_thread.h"
#include "serve/exchange.h"

namespace leash::tool {

struct HttpLimits {
    /// For a request to come, and for its answer to go.
    std::chrono::milliseconds patience{5000};
    std::size_t most_clients = 256;
};

/// Where clients come in.  One thread has them all, and waits for none of them: whoever
/// says nothing, or reads nothing, holds up nobody.  When there are too many, those who have
/// been at it for longest without having said what they want have to go.
class HttpFront {
public:
    /// answer: the whole response to a request, of which its first line is all that counts.
    HttpFront(Descriptor listener, HttpLimits limits, AnswerThread::Answer answer);

    /// Until `stopped`, which is asked whenever a signal came; then what is being answered
    /// comes to its end.  `waiting`: the signal mask while nothing is to be done.
    void run(const std::function<bool()>& stopped, const sigset_t& waiting);

private:
    using Exchanges = std::map<std::uint64_t, Exchange>;

    void serve_once(const sigset_t& waiting);
    void let_in();
    bool make_room();
    void hand_over_answers();
    void proceed(Exchanges::iterator exchange);
    void let_go();
    bool has_work() const;
    std::vector<pollfd> watched() const;
    timespec longest_wait() const;

    Descriptor listener_;
    HttpLimits limits_;
    AnswerThread answers_;
    Exchanges exchanges_;  ///< by number, so the oldest first
    std::uint64_t last_number_ = 0;
    Exchange::Clock::time_point accepts_from_{};  ///< after a failure, a moment later
};

}  // namespace leash::tool
