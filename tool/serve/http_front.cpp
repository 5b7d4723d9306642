#include "serve/http_front.h"

#include <algorithm>
#include <cerrno>
#include <utility>

#include <sys/socket.h>

namespace leash::tool {
namespace {

using Clock = Exchange::Clock;
using State = Exchange::State;

constexpr auto kLongestWait = std::chrono::seconds(60);
constexpr auto kPauseAfterFailure = std::chrono::milliseconds(100);
constexpr int kMostAtOnce = 64;
// In watched(), before the clients.
constexpr std::size_t kAnswers = 0;
constexpr std::size_t kListener = 1;
constexpr std::size_t kClients = 2;

}  // namespace

HttpFront::HttpFront(Descriptor listener, HttpLimits limits, AnswerThread::Answer answer)
    : listener_(std::move(listener)), limits_(limits), answers_(std::move(answer)) {}

void HttpFront::run(const std::function<bool()>& stopped, const sigset_t& waiting) {
    while (!stopped()) {
        serve_once(waiting);
    }
    listener_.close();
    const auto until = Clock::now() + limits_.patience;
    while (has_work() && Clock::now() < until) {
        serve_once(waiting);
    }
}

bool HttpFront::has_work() const {
    return std::any_of(exchanges_.begin(), exchanges_.end(), [](const auto& entry) {
        return entry.second.state() == State::kAsking || entry.second.state() == State::kSending;
    });
}

std::vector<pollfd> HttpFront::watched() const {
    std::vector<pollfd> sockets;
    sockets.push_back({.fd = answers_.ready(), .events = POLLIN, .revents = 0});
    sockets.push_back({.fd = Clock::now() < accepts_from_ ? -1 : listener_.get(),
                       .events = POLLIN,
                       .revents = 0});
    for (const auto& [number, exchange] : exchanges_) {
        // Where nothing is to be done a client that hangs up must not wake us again and again.
        const short events = exchange.events();
        sockets.push_back(
            {.fd = events == 0 ? -1 : exchange.socket(), .events = events, .revents = 0});
    }
    return sockets;
}

timespec HttpFront::longest_wait() const {
    const auto now = Clock::now();
    auto until = now + kLongestWait;
    for (const auto& [number, exchange] : exchanges_) {
        until = std::min(until, exchange.deadline());
    }
    if (accepts_from_ > now) {
        until = std::min(until, accepts_from_);
    }
    const auto left =
        std::max(std::chrono::ceil<std::chrono::milliseconds>(until - now).count(), 0L);
    return {.tv_sec = left / 1000, .tv_nsec = left % 1000 * 1'000'000};
}

void HttpFront::serve_once(const sigset_t& waiting) {
    std::vector<pollfd> sockets = watched();
    const timespec longest = longest_wait();
    if (ppoll(sockets.data(), sockets.size(), &longest, &waiting) < 0) {
        return;  // a signal
    }
    auto exchange = exchanges_.begin();
    for (std::size_t i = kClients; i < sockets.size(); ++i) {
        const auto current = exchange++;
        if (sockets[i].revents != 0) {
            proceed(current);
        }
    }
    if (sockets[kAnswers].revents != 0) {
        hand_over_answers();
    }
    let_go();
    if (sockets[kListener].revents != 0) {
        let_in();
    }
}

void HttpFront::proceed(Exchanges::iterator exchange) {
    const State before = exchange->second.state();
    exchange->second.proceed();
    if (before != State::kAsking && exchange->second.state() == State::kAsking) {
        answers_.ask(exchange->first, std::string(exchange->second.request_line()));
    }
}

void HttpFront::hand_over_answers() {
    for (auto& [number, response] : answers_.take()) {
        if (const auto exchange = exchanges_.find(number); exchange != exchanges_.end()) {
            exchange->second.answer(std::move(response));
        }
    }
}

void HttpFront::let_go() {
    const auto now = Clock::now();
    for (auto& [number, exchange] : exchanges_) {
        if (exchange.deadline() <= now) {
            exchange.expire();
        }
    }
    std::erase_if(exchanges_,
                  [](const auto& entry) { return entry.second.state() == State::kOver; });
}

// Those whose answer is being made stay.
bool HttpFront::make_room() {
    if (exchanges_.size() < limits_.most_clients) {
        return true;
    }
    const auto oldest = std::find_if(exchanges_.begin(), exchanges_.end(), [](const auto& entry) {
        return entry.second.state() != State::kAsking;
    });
    if (oldest == exchanges_.end()) {
        return false;
    }
    exchanges_.erase(oldest);
    return true;
}

void HttpFront::let_in() {
    for (int i = 0; i < kMostAtOnce; ++i) {
        Descriptor client(accept4(listener_.get(), nullptr, nullptr, SOCK_CLOEXEC | SOCK_NONBLOCK));
        if (client.get() < 0) {
            // Nobody is there any more, or this one has given up; but when there are no more
            // descriptors, say, a moment must pass.
            if (errno == EMFILE || errno == ENFILE || errno == ENOBUFS || errno == ENOMEM) {
                accepts_from_ = Clock::now() + kPauseAfterFailure;
            }
            return;
        }
        if (make_room()) {
            const auto entry =
                exchanges_.try_emplace(++last_number_, std::move(client), limits_.patience);
            proceed(entry.first);  // most have said all by now
        }
    }
}

}  // namespace leash::tool
