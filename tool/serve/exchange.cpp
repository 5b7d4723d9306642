#include "serve/exchange.h"

#include <algorithm>
#include <cerrno>

#include <poll.h>
#include <sys/socket.h>

namespace leash::tool {
namespace {

// Browsers send a kilobyte or two.
constexpr std::size_t kLargestRequest = 16384;

constexpr const char* kTooLarge =
    "HTTP/1.1 431 Request Header Fields Too Large\r\nConnection: close\r\nContent-Length: "
    "0\r\n\r\n";
constexpr const char* kTooSlow =
    "HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n";

bool is_complete(std::string_view request) {
    return request.find("\r\n\r\n") != std::string_view::npos ||
           request.find("\n\n") != std::string_view::npos;
}

bool should_wait(ssize_t result) {
    return result < 0 && (errno == EAGAIN || errno == EWOULDBLOCK || errno == EINTR);
}

}  // namespace

Exchange::Exchange(Descriptor socket, std::chrono::milliseconds patience)
    : socket_(std::move(socket)), patience_(patience), deadline_(Clock::now() + patience) {}

short Exchange::events() const {
    switch (state_) {
        case State::kReceiving:
        case State::kLeaving:
            return POLLIN;
        case State::kSending:
            return POLLOUT;
        default:
            return 0;
    }
}

void Exchange::enter(State state) {
    state_ = state;
    deadline_ = state == State::kAsking ? Clock::time_point::max() : Clock::now() + patience_;
}

void Exchange::proceed() {
    switch (state_) {
        case State::kReceiving:
            receive();
            break;
        case State::kSending:
            send();
            break;
        case State::kLeaving:
            leave();
            break;
        default:
            break;
    }
}

void Exchange::expire() {
    const bool has_begun = state_ == State::kReceiving && !text_.empty();
    state_ = State::kOver;
    if (has_begun) {
        answer(kTooSlow);
    }
}

void Exchange::receive() {
    char buffer[4096];
    const ssize_t length = recv(socket_.get(), buffer, sizeof buffer, 0);
    if (length <= 0) {
        state_ = should_wait(length) ? state_ : State::kOver;
        return;
    }
    text_.append(buffer, static_cast<std::size_t>(length));
    if (is_complete(text_)) {
        enter(State::kAsking);
    } else if (text_.size() > kLargestRequest) {
        answer(kTooLarge);
    }
}

std::string_view Exchange::request_line() const {
    return std::string_view(text_).substr(0, text_.find_first_of("\r\n"));
}

void Exchange::answer(std::string response) {
    text_ = std::move(response);
    enter(State::kSending);
    send();
}

void Exchange::send() {
    while (sent_ < text_.size()) {
        const ssize_t length =
            ::send(socket_.get(), text_.data() + sent_, text_.size() - sent_, MSG_NOSIGNAL);
        if (length < 0) {
            state_ = should_wait(length) ? state_ : State::kOver;
            return;
        }
        sent_ += static_cast<std::size_t>(length);
    }
    text_.clear();
    shutdown(socket_.get(), SHUT_WR);
    enter(State::kLeaving);
}

// A socket that is closed with something unread takes back what it has sent.
void Exchange::leave() {
    char buffer[4096];
    const ssize_t length = recv(socket_.get(), buffer, sizeof buffer, 0);
    if (length <= 0 && !should_wait(length)) {
        state_ = State::kOver;
    }
}

}  // namespace leash::tool
