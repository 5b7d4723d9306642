// The load of bench/levels: applications whose sessions work and think for random
// times.  Each session notes when it was in use and when it was busy; what levels that
// makes, and for how long each, is held against leash.applications.
#include "load.h"

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <random>
#include <string>
#include <thread>
#include <utility>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;
using load::Connection;
using load::must;
using load::Result;

constexpr double kTolerance = 1;

double seconds_now() {
    return std::chrono::duration<double>(Clock::now().time_since_epoch()).count();
}

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

struct Period {
    double begin;
    double end;
};

struct Habit {
    const char* application;
    int sessions;
    double work;  // seconds
    bool fixed;   // always as long; else exponentially distributed
    double think;
    bool in_transaction;  // works twice in each transaction, and thinks between
};

constexpr Habit kHabits[] = {
    {"levels-4", 4, 0.040, false, 0.040, false},
    {"levels-16", 16, 0.030, false, 0.080, true},
    {"levels-40", 40, 0.050, true, 0.150, false},
};

// A session, in a thread of its own.
class Worker {
public:
    Worker(const Habit& habit, unsigned seed)
        : habit_(habit), dice_(seed), connection_(load::connect(habit.application, nullptr)) {}

    void start(const std::atomic<bool>& stop) {
        thread_ = std::thread([this, &stop] {
            while (!stop) {
                sleep_for(draw(habit_.think));
                habit_.in_transaction ? transaction() : work(in_use_);
            }
        });
    }
    void join() { thread_.join(); }

    const std::vector<Period>& in_use() const { return in_use_; }
    const std::vector<Period>& busy() const { return busy_; }

private:
    double draw(double mean) {
        return std::min(std::exponential_distribution<>(1 / mean)(dice_), 10 * mean);
    }

    Period run(const std::string& sql) {
        const double begin = seconds_now();
        must(connection_.get(), sql);
        busy_.push_back({begin, seconds_now()});
        return busy_.back();
    }

    Period run_work() {
        const double work = habit_.fixed ? habit_.work : draw(habit_.work);
        return run("SELECT pg_sleep(" + std::to_string(work) + ")");
    }

    void work(std::vector<Period>& in_use) { in_use.push_back(run_work()); }

    void transaction() {
        const double begin = run("BEGIN").begin;
        run_work();
        sleep_for(draw(habit_.think));
        run_work();
        in_use_.push_back({begin, run("COMMIT").end});
    }

    const Habit& habit_;
    std::mt19937 dice_;
    std::vector<Period> in_use_;
    std::vector<Period> busy_;
    Connection connection_;
    std::thread thread_;
};

// The level at each moment of a window, from the periods of all sessions.
class Level {
public:
    explicit Level(Period window) : window_(window) {}

    void add(const std::vector<Period>& periods) {
        for (const Period& period : periods) {
            const double begin = std::max(period.begin, window_.begin);
            const double end = std::min(period.end, window_.end);
            if (begin < end) {
                steps_.push_back({begin, 1});
                steps_.push_back({end, -1});
            }
        }
    }

    // For how long each level lasted; also makes mean and percentile known.
    void conclude() {
        std::sort(steps_.begin(), steps_.end());
        double since = window_.begin;
        size_t level = 0;
        steps_.push_back({window_.end, 0});
        for (const auto& [at, step] : steps_) {
            lasted_.resize(std::max(lasted_.size(), level + 1));
            lasted_[level] += at - since;
            since = at;
            level += static_cast<size_t>(step);
        }
    }

    double mean() const {
        double area = 0;
        for (size_t level = 0; level < lasted_.size(); level++) {
            area += static_cast<double>(level) * lasted_[level];
        }
        return area / (window_.end - window_.begin);
    }

    double p999() const {
        double left = 0.999 * (window_.end - window_.begin);
        for (size_t level = 0; level < lasted_.size(); level++) {
            left -= lasted_[level];
            if (left <= 0) {
                return static_cast<double>(level);
            }
        }
        return static_cast<double>(lasted_.size()) - 1;
    }

private:
    Period window_;
    std::vector<std::pair<double, int>> steps_;
    std::vector<double> lasted_;
};

long samples_taken(PGconn* connection) {
    return load::number(must(connection, "SELECT samples FROM leash.worker WHERE running"));
}

struct Application {
    const Habit& habit;
    std::vector<Worker> workers;
    Period window{};      // what leash.applications is about, on our clock
    double sampled[4]{};  // p99.9 and mean in use, the same busy
};

// Sampled levels, and on our own clock from when to when they were.
void read_levels(PGconn* connection, Application& application) {
    const double before = seconds_now();
    const Result result = must(connection,
                               "SELECT in_use_p999, in_use_mean, busy_p999, busy_mean, "
                               "extract(epoch FROM clock_timestamp() - known_since) "
                               "FROM leash.applications WHERE application_name = '" +
                                   std::string(application.habit.application) + "'");
    if (PQntuples(result.get()) != 1) {
        load::fail(application.habit.application, "not in leash.applications");
    }
    const auto column = [&](int i) { return std::atof(PQgetvalue(result.get(), 0, i)); };
    const double end = (before + seconds_now()) / 2;
    application.window = {end - column(4), end};
    for (int i = 0; i < 4; i++) {
        application.sampled[i] = column(i);
    }
}

// Returns whether the sampled p99.9 is right.
bool report(const char* name, const char* what, const Level& level, double p999, double mean) {
    const double off = p999 - level.p999();
    const bool right = off <= kTolerance && off >= -kTolerance;
    std::printf("%-10s %-7s %10.0f %10.0f %+6.0f %12.3f %12.3f %+8.2f %%  %s\n", name, what,
                level.p999(), p999, off, level.mean(), mean, 100 * (mean / level.mean() - 1),
                right ? "ok" : "OFF");
    return right;
}

bool compare(const Application& application) {
    Level in_use(application.window);
    Level busy(application.window);
    for (const Worker& worker : application.workers) {
        in_use.add(worker.in_use());
        busy.add(worker.busy());
    }
    in_use.conclude();
    busy.conclude();
    const double* const sampled = application.sampled;
    const bool right =
        report(application.habit.application, "in use", in_use, sampled[0], sampled[1]);
    return report("", "busy", busy, sampled[2], sampled[3]) && right;
}

}  // namespace

int main(int argc, char** argv) {
    const long samples = argc == 2 ? std::atol(argv[1]) : 0;
    if (samples <= 0) {
        std::fputs("Usage: levels_load SAMPLES\n", stderr);
        return 2;
    }
    const Connection watcher = load::connect("watcher", nullptr);
    must(watcher.get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    std::vector<Application> applications;
    unsigned seed = 4711;
    for (const Habit& habit : kHabits) {
        applications.push_back({habit, {}});
        std::vector<Worker>& workers = applications.back().workers;
        workers.reserve(static_cast<size_t>(habit.sessions));
        for (int i = 0; i < habit.sessions; i++) {
            workers.emplace_back(habit, seed++);
        }
    }
    std::atomic<bool> stop = false;
    const double began = seconds_now();
    const long before = samples_taken(watcher.get());
    for (Application& application : applications) {
        for (Worker& worker : application.workers) {
            worker.start(stop);
        }
    }
    while (samples_taken(watcher.get()) < before + samples) {
        sleep_for(1);
    }
    for (Application& application : applications) {
        read_levels(watcher.get(), application);
    }
    const long taken = samples_taken(watcher.get()) - before;
    const double took = seconds_now() - began;
    stop = true;
    bool right = true;
    for (Application& application : applications) {
        for (Worker& worker : application.workers) {
            worker.join();
        }
    }
    std::printf("%-10s %-7s %10s %10s %6s %12s %12s %10s\n", "", "", "p99.9 was", "sampled", "off",
                "mean was", "sampled", "off");
    for (const Application& application : applications) {
        right &= compare(application);
    }
    std::printf("\n%ld samples in %.0f s; the p99.9 may be off by %.0f\n", taken, took, kTolerance);
    return right ? 0 : 1;
}
