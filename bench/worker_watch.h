// What bench/worker and bench/scale look at: many sessions, policies that are held against
// each of them, and what the worker of the server has spent on it.
#pragma once

#include "load.h"

#include <time.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <iterator>
#include <string>
#include <thread>
#include <vector>

namespace worker_watch {

using load::Connection;
using load::must;
using load::Result;

constexpr const char* kRole = "bench_client";  // of clients; the watcher is a superuser

inline Connection connect(const std::string& application) {
    return load::connect(application.c_str(), kRole);
}

inline void sleep_for(double seconds) {
    std::this_thread::sleep_for(std::chrono::duration<double>(seconds));
}

// Of so many applications; one session in ten is idle in transaction.
inline std::vector<Connection> open_sessions(int count, int applications) {
    std::vector<Connection> sessions;
    for (int i = 0; i < count; i++) {
        sessions.push_back(connect("service-" + std::to_string(i % applications)));
        PGconn* const session = sessions.back().get();
        if (i % 10 == 0) {
            must(session, "BEGIN");
        }
        must(session, "SELECT count(*) FROM pg_class /*route='%2Fapi%2Forders'*/");
    }
    return sessions;
}

// Policies of every kind that match many sessions, and none that is old enough.
inline void write_policies(PGconn* connection, int count) {
    static const char* const kCriteria[][2] = {
        {"applications, idle_for", "'{service-*}', '1 day'"},
        {"kinds, idle_for", "'{idle in transaction,aborted transaction}', '1 day'"},
        {"states, xact_for", "'{idle in transaction}', '1 day'"},
        {"databases, unused_for", "'{postgres}', '1 day'"},
        {"roles, idle_for, keep", "'{bench_client}', '1 day', 5"},
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

inline double seconds_of(clockid_t clock) {
    timespec now{};
    if (clock_gettime(clock, &now) != 0) {
        std::perror("load: clock_gettime");
        std::exit(1);
    }
    return static_cast<double>(now.tv_sec) + static_cast<double>(now.tv_nsec) * 1e-9;
}

inline long memory_of(int pid) {
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

inline Reading read_worker(PGconn* connection) {
    const Result result =
        must(connection,
             "SELECT pid, samples, extract(epoch FROM total_sample_time) * 1e6, rounds, "
             "extract(epoch FROM total_round_time) * 1e6 FROM leash.worker WHERE running");
    if (PQntuples(result.get()) != 1) {
        std::fputs("load: the worker does not run\n", stderr);
        std::exit(1);
    }
    const auto column = [&](int i) { return std::atof(PQgetvalue(result.get(), 0, i)); };
    const int pid = static_cast<int>(column(0));
    clockid_t clock{};
    if (clock_getcpuclockid(pid, &clock) != 0) {
        std::fputs("load: cannot read the worker's processor time\n", stderr);
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

}  // namespace worker_watch
