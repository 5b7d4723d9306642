#include "serve/answer_thread.h"

#include <cerrno>
#include <cstring>

#include <fcntl.h>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.h"

namespace leash::tool {

AnswerThread::AnswerThread(Answer answer) : answer_(std::move(answer)) {
    int ends[2];
    if (pipe2(ends, O_CLOEXEC | O_NONBLOCK) != 0) {
        throw Failure(fmt::format("could not make a pipe: {}", std::strerror(errno)));
    }
    reading_end_ = Descriptor(ends[0]);
    writing_end_ = Descriptor(ends[1]);
    thread_ = std::thread([this] { work(); });
}

AnswerThread::~AnswerThread() {
    {
        const std::lock_guard lock(mutex_);
        ends_ = true;
    }
    changed_.notify_one();
    thread_.join();
}

void AnswerThread::ask(std::uint64_t number, std::string request_line) {
    {
        const std::lock_guard lock(mutex_);
        questions_.emplace_back(number, std::move(request_line));
    }
    changed_.notify_one();
}

std::vector<AnswerThread::Numbered> AnswerThread::take() {
    char buffer[256];
    while (read(reading_end_.get(), buffer, sizeof buffer) > 0) {
    }
    const std::lock_guard lock(mutex_);
    return std::exchange(answers_, {});
}

void AnswerThread::work() {
    std::unique_lock lock(mutex_);
    while (true) {
        changed_.wait(lock, [this] { return ends_ || !questions_.empty(); });
        if (ends_) {
            return;
        }
        const auto [number, request_line] = std::move(questions_.front());
        questions_.pop_front();
        lock.unlock();
        std::string text = answer_(request_line);
        lock.lock();
        answers_.emplace_back(number, std::move(text));
        // A full pipe is readable as it is.
        (void)!write(writing_end_.get(), "", 1);
    }
}

}  // namespace leash::tool
