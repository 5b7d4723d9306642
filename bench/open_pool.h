// A client's pool under an open load: requests arrive at random whether or not earlier
// ones are done, take a connection of the pool or queue for one, and hold it for a random
// time.  What they wait counts from when they should have arrived.
#pragma once

#include "load.h"

#include <algorithm>
#include <chrono>
#include <condition_variable>
#include <deque>
#include <mutex>
#include <random>
#include <string>
#include <thread>
#include <vector>

namespace load {

using Clock = std::chrono::steady_clock;

// Poisson arrivals and exponential work; the same seed makes the same requests.
struct Stream {
    double level;  // mean number of requests at work
    double work;   // mean, seconds
    unsigned seed;
};

struct Outcome {
    std::vector<double> latencies;  // seconds, arrival to answer
    long waited = 0;                // found all connections taken

    double wait_share() const {
        return latencies.empty()
                   ? 0
                   : static_cast<double>(waited) / static_cast<double>(latencies.size());
    }
    double percentile(double share) {
        if (latencies.empty()) {
            return 0;
        }
        const auto at = static_cast<std::size_t>(share * static_cast<double>(latencies.size() - 1));
        std::nth_element(latencies.begin(), latencies.begin() + static_cast<std::ptrdiff_t>(at),
                         latencies.end());
        return latencies[at];
    }
    void add(const Outcome& other) {
        latencies.insert(latencies.end(), other.latencies.begin(), other.latencies.end());
        waited += other.waited;
    }
};

class OpenPool {
public:
    OpenPool(const std::string& application, int size, Stream stream)
        : stream_(stream), size_(size) {
        for (int i = 0; i < size; i++) {
            connections_.push_back(connect(application.c_str(), nullptr));
        }
    }

    // Starts now, and lets requests arrive until then.
    void start(Clock::time_point end) {
        for (Connection& connection : connections_) {
            threads_.emplace_back([this, &connection] { serve(connection.get()); });
        }
        threads_.emplace_back([this, end] { arrive(end); });
    }

    // After the last answer.
    Outcome finish() {
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
        return outcome_;
    }

private:
    struct Request {
        Clock::time_point arrival;
        double work;
    };

    static Clock::duration seconds(double value) {
        return std::chrono::duration_cast<Clock::duration>(std::chrono::duration<double>(value));
    }

    void arrive(Clock::time_point end) {
        std::mt19937 dice(stream_.seed);
        std::exponential_distribution<> gap(stream_.level / stream_.work);
        std::exponential_distribution<> work(1 / stream_.work);
        for (Clock::time_point at = Clock::now() + seconds(gap(dice)); at < end;
             at += seconds(gap(dice))) {
            std::this_thread::sleep_until(at);
            const std::lock_guard lock(mutex_);
            outcome_.waited += pending_ >= size_ ? 1 : 0;
            pending_++;
            queue_.push_back({at, work(dice)});
            wake_.notify_one();
        }
        const std::lock_guard lock(mutex_);
        over_ = true;
        wake_.notify_all();
    }

    void serve(PGconn* connection) {
        std::unique_lock lock(mutex_);
        while (true) {
            wake_.wait(lock, [this] { return over_ || !queue_.empty(); });
            if (queue_.empty()) {
                return;
            }
            const Request request = queue_.front();
            queue_.pop_front();
            lock.unlock();
            must(connection, "SELECT pg_sleep(" + std::to_string(request.work) + ")");
            const double latency =
                std::chrono::duration<double>(Clock::now() - request.arrival).count();
            lock.lock();
            pending_--;
            outcome_.latencies.push_back(latency);
        }
    }

    const Stream stream_;
    const int size_;
    std::vector<Connection> connections_;
    std::vector<std::thread> threads_;
    std::mutex mutex_;
    std::condition_variable wake_;
    std::deque<Request> queue_;
    int pending_ = 0;  // queued or at work
    bool over_ = false;
    Outcome outcome_;
};

}  // namespace load
