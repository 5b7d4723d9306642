#pragma once

#include <condition_variable>
#include <cstdint>
#include <deque>
#include <functional>
#include <mutex>
#include <string>
#include <thread>
#include <utility>
#include <vector>

#include "descriptor.h"

namespace leash::tool {

/// Makes answers, one at a time and in order, while others go on talking to clients.
class AnswerThread {
public:
    using Answer = std::function<std::string(const std::string& request_line)>;
    using Numbered = std::pair<std::uint64_t, std::string>;

    /// answer throws nothing.
    explicit AnswerThread(Answer answer);
    /// Waits for the answer that is being made; the others are given up.
    ~AnswerThread();
    AnswerThread(const AnswerThread&) = delete;
    AnswerThread& operator=(const AnswerThread&) = delete;

    void ask(std::uint64_t number, std::string request_line);
    /// Those that are ready, each with the number that it was asked for with.
    std::vector<Numbered> take();
    /// Readable when there are any.
    int ready() const { return reading_end_.get(); }

private:
    void work();

    Answer answer_;
    Descriptor reading_end_;
    Descriptor writing_end_;
    std::mutex mutex_;  ///< of what follows, up to the thread
    std::condition_variable changed_;
    std::deque<Numbered> questions_;
    std::vector<Numbered> answers_;
    bool ends_ = false;
    std::thread thread_;
};

}  // namespace leash::tool
