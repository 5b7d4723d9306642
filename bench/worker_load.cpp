// The load of bench/worker: opens many sessions, and watches what the worker of the
// server spends on them, with and without policies, with idle and with busy sessions.
//
// Prints one line for each: its name, the share of a processor in percent, samples a
// second, microseconds for a sample, rounds a second, microseconds for a round and for
// the longest one, and by how many kB the worker's memory grew; separated by '|'.  A last
// line is about the history: its name, rows written, microseconds for one and for the
// longest one.
#include "load.h"

#include <time.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>
#include <vector>

namespace {

using load::Connection;
using load::must;
using load::Result;

constexpr const char* kRole = "worker_load";  // of clients; the watcher is a superuser

Connection connect(const std::string& application) {
    return load::connect(application.c_str(), kRole);
}

void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Eight applications; one session in ten is idle in transaction.
std::vector<Connection> open_sessions(int count) {
    std::vector<Connection> sessions;
    for (int i = 0; i < count; i++) {
        sessions.push_back(connect("service-" + std::to_string(i % 8)));
        PGconn* const session = sessions.back().get();
        if (i % 10 == 0) {
            must(session, "BEGIN");
        }
        must(session, "SELECT count(*) FROM pg_class /*route='%2Fapi%2Forders'*/");
    }
    return sessions;
}

// Policies of every kind that match many sessions, and none that is old enough.
void write_policies(PGconn* connection, int count) {
    static const char* const kCriteria[][2] = {
        {"applications, idle_for", "'{service-*}', '1 day'"},
        {"kinds, idle_for", "'{idle in transaction,aborted transaction}', '1 day'"},
        {"states, xact_for", "'{idle in transaction}', '1 day'"},
        {"databases, unused_for", "'{postgres}', '1 day'"},
        {"roles, idle_for, keep", "'{worker_load}', '1 day', 5"},
        {"holds_xmin, xact_for", "true, '1 day'"},
        {"pressure_above, pressure_below, idle_for", "0.99, 0.9, '1 day'"},
        {"addresses, idle_for", "'{10.0.0.0/8,192.168.0.0/16}', '1 day'"},
    };
    for (int i = 0; i < count; i++) {
        const auto& criteria = kCriteria[static_cast<size_t>(i) % std::size(kCriteria)];
        must(connection, "INSERT INTO leash.policies (name, action, " + std::string(criteria[0]) +
                             ") VALUES ('policy " + std::to_string(i) + "', 'terminate', " +
                             criteria[1] + ")");
    }
    const std::string in_force =
        "SELECT 1 FROM leash.worker WHERE policies = " + std::to_string(count);
    while (PQntuples(must(connection, in_force).get()) == 0) {
        sleep_for(0.05);
    }
}

// The worker's sums at one moment.
struct Reading {
    double at;
    double cpu;  // seconds
    double samples;
    double sample_time;  // us
    double rounds;
    double round_time;  // us
    long memory;        // kB
};

double seconds_of(clockid_t clock) {
    timespec now{};
    if (clock_gettime(clock, &now) != 0) {
        std::perror("worker_load: clock_gettime");
        std::exit(1);
    }
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

long memory_of(int pid) {
    std::ifstream status("/proc/" + std::to_string(pid) + "/status");
    std::string word;
    long kilobytes = 0;
    while (status >> word) {
        if (word == "VmData:") {
            status >> kilobytes;
        }
    }
    return kilobytes;
}

Reading read_worker(PGconn* connection) {
    const Result result =
        must(connection,
             "SELECT pid, samples, extract(epoch FROM total_sample_time) * 1e6, rounds, "
             "extract(epoch FROM total_round_time) * 1e6 FROM leash.worker WHERE running");
    if (PQntuples(result.get()) != 1) {
        std::fputs("worker_load: the worker does not run\n", stderr);
        std::exit(1);
    }
    const auto column = [&](int i) { return std::atof(PQgetvalue(result.get(), 0, i)); };
    const int pid = static_cast<int>(column(0));
    clockid_t clock{};
    if (clock_getcpuclockid(pid, &clock) != 0) {
        std::fputs("worker_load: cannot read the worker's processor time\n", stderr);
        std::exit(1);
    }
    return {seconds_of(CLOCK_MONOTONIC),
            seconds_of(clock),
            column(1),
            column(2),
            column(3),
            column(4),
            memory_of(pid)};
}

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
    must(watcher.get(), "CREATE ROLE worker_load LOGIN");
    const std::vector<Connection> sessions = open_sessions(std::atoi(argv[1]));
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
