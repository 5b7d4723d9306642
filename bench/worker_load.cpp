// The load of bench/worker: opens many sessions, and watches what the worker of the
// server spends on them, with and without policies, with idle and with busy sessions.
//
// Prints one line for each: its name, the share of a processor in percent, samples a
// second, microseconds for a sample, rounds a second, microseconds for a round and for
// the longest one, and by how many kB the worker's memory grew; separated by '|'.  A last
// line is about the history: its name, rows written, microseconds for one and for the
// longest one.
#include "worker_watch.h"

#include <algorithm>
#include <atomic>

namespace {

using namespace worker_watch;

double longest_round(PGconn* connection) {
    const Result result =
        must(connection, "SELECT extract(epoch FROM last_round_time) * 1e6 FROM leash.worker");
    return std::atof(PQgetvalue(result.get(), 0, 0));
}

// Looks at the worker as seldom as it can, so as not to be what the worker sees.
void watch(PGconn* connection, const std::string& name, int seconds) {
    sleep_for(3);  // until what went before has no part in it
    const Reading before = read_worker(connection);
    double longest = 0;
    for (int i = 0; i < 10; i++) {
        sleep_for(seconds / 10.0);
        longest = std::max(longest, longest_round(connection));
    }
    const Reading after = read_worker(connection);
    const double elapsed = after.at - before.at;
    const double samples = after.samples - before.samples;
    const double rounds = after.rounds - before.rounds;
    std::printf("%s|%.2f|%.1f|%.1f|%.2f|%.0f|%.0f|%ld\n", name.c_str(),
                100 * (after.cpu - before.cpu) / elapsed, samples / elapsed,
                (after.sample_time - before.sample_time) / samples, rounds / elapsed,
                (after.round_time - before.round_time) / rounds, longest,
                after.memory - before.memory);
    std::fflush(stdout);
}

// What rows of the history have cost since the server started.
void report_history(PGconn* connection) {
    const Result result = must(connection,
                               "SELECT history_rows, extract(epoch FROM total_history_time) * 1e6, "
                               "extract(epoch FROM max_history_time) * 1e6 FROM leash.worker");
    const auto column = [&](int i) { return std::atof(PQgetvalue(result.get(), 0, i)); };
    const double rows = column(0);
    std::printf("history|%.0f|%.0f|%.0f\n", rows, rows > 0 ? column(1) / rows : 0, column(2));
}

// Sessions that run a statement each 10 ms until they are stopped.
class Busy {
public:
    explicit Busy(int count) {
        for (int i = 0; i < count; i++) {
            threads_.emplace_back([this] {
                const Connection connection = connect("busy");
                while (!stop_) {
                    must(connection.get(), "SELECT count(*) FROM pg_class");
                    sleep_for(0.01);
                }
            });
        }
    }
    ~Busy() {
        stop_ = true;
        for (std::thread& thread : threads_) {
            thread.join();
        }
    }

private:
    std::atomic<bool> stop_ = false;
    std::vector<std::thread> threads_;
};

}  // namespace

int main(int argc, char** argv) {
    if (argc != 5) {
        std::fputs("Usage: worker_load SESSIONS SECONDS POLICIES BUSY\n", stderr);
        return 2;
    }
    const int seconds = std::atoi(argv[2]);
    const int policies = std::atoi(argv[3]);
    const int busy = std::atoi(argv[4]);
    const Connection watcher = load::connect("watcher", nullptr);
    must(watcher.get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    must(watcher.get(), "CREATE ROLE bench_client LOGIN");
    const std::vector<Connection> sessions = open_sessions(std::atoi(argv[1]), 8);
    const std::string with = ", " + std::to_string(policies) + " policies";
    watch(watcher.get(), "all idle, no policy", seconds);
    {
        const Busy clients(busy);
        watch(watcher.get(), std::to_string(busy) + " busy, no policy", seconds);
    }
    write_policies(watcher.get(), policies);
    watch(watcher.get(), "all idle" + with, seconds);
    const Busy clients(busy);
    watch(watcher.get(), std::to_string(busy) + " busy" + with, seconds);
    report_history(watcher.get());
    return 0;
}
