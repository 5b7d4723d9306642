// Healthy sessions beside those that leak: small transactions with gaps of some
// milliseconds, each answer checked.
#pragma once

#include <algorithm>
#include <atomic>
#include <chrono>
#include <memory>
#include <random>
#include <string>
#include <thread>
#include <vector>

#include "load.h"

namespace load {

using std::chrono::microseconds;
using std::chrono::milliseconds;

inline std::atomic<bool> stop{false};
inline std::atomic<long> answered{0};
inline std::atomic<long> lost{0};
inline std::atomic<long> wrong{0};
inline std::atomic<long> slowest{0};

// One session that does small transactions with gaps of some milliseconds, within
// them too.
class Healthy {
public:
    explicit Healthy(int number)
        : random_(static_cast<unsigned>(number)),
          sequence_("taken_" + std::to_string(number)),
          connection_(connect("healthy", "app")) {
        must(connection_.get(), "CREATE SEQUENCE " + sequence_);
    }

    void run() {
        while (!stop) {
            const bool alone = random_() % 2 == 0;
            if ((alone || execute("BEGIN")) && take_number() && (alone || execute("COMMIT"))) {
                pause(5, 40);
            }
        }
    }

private:
    void pause(int least, int most) {
        std::uniform_int_distribution<int> gap(1000 * least, 1000 * most);
        std::this_thread::sleep_for(microseconds(gap(random_)));
    }

    bool take_number() {
        const std::string sql = "SELECT nextval('" + sequence_ + "')";
        const Result result = ask(sql);
        if (!worked(result.get())) {
            judge_cut();
            return false;
        }
        if (number(result) != ++taken_) {
            fail(sql.c_str(), "not the next number");
        }
        pause(1, 5);
        return true;
    }

    bool execute(const char* sql) {
        if (worked(ask(sql).get())) {
            return true;
        }
        judge_cut();
        return false;
    }

    Result ask(const std::string& sql) {
        const auto asked = std::chrono::steady_clock::now();
        Result result(PQexec(connection_.get(), sql.c_str()));
        const long took = static_cast<long>(
            std::chrono::duration_cast<milliseconds>(std::chrono::steady_clock::now() - asked)
                .count());
        long longest = slowest;
        while (took > longest && !slowest.compare_exchange_weak(longest, took)) {
        }
        answered++;
        return result;
    }

    void judge_cut() {
        if (is_connected(connection_)) {
            fail("a healthy session", PQerrorMessage(connection_.get()));
        }
        lost++;
        connection_ = connect("healthy", "app");
        const long now =
            number(must(connection_.get(),
                        "SELECT CASE WHEN is_called THEN last_value ELSE 0 END FROM " + sequence_));
        if (now > taken_) {
            wrong++;
        }
        taken_ = now;
    }

    std::mt19937 random_;
    std::string sequence_;
    Connection connection_;
    long taken_ = 0;
};

class Crowd {
public:
    explicit Crowd(int count) {
        for (int i = 0; i < count; i++) {
            members_.push_back(std::make_unique<Healthy>(i));
        }
        for (const auto& member : members_) {
            threads_.emplace_back(&Healthy::run, member.get());
        }
    }
    ~Crowd() { disperse(); }

    void disperse() {
        stop = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
        threads_.clear();
    }

private:
    std::vector<std::unique_ptr<Healthy>> members_;
    std::vector<std::thread> threads_;
};

}  // namespace load
