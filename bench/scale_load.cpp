// The load of bench/scale: opens many sessions of a hundred applications, and tells what
// the server spends on so many.
//
// Prints one line: microseconds for a sample, for a round, for reading leash.sessions,
// leash.leaks and pg_stat_activity (medians), bytes of shared memory of pg_leash, and kB of
// the worker's own memory.
#include "worker_watch.h"

#include <algorithm>

namespace {

using namespace worker_watch;

double read_all(PGconn* connection, const std::string& view) {
    std::vector<double> times;
    for (int i = 0; i < 41; i++) {
        const auto begun = std::chrono::steady_clock::now();
        must(connection, "SELECT * FROM " + view);
        const auto ended = std::chrono::steady_clock::now();
        times.push_back(std::chrono::duration<double, std::micro>(ended - begun).count());
    }
    std::sort(times.begin(), times.end());
    return times[times.size() / 2];
}

long shared_memory(PGconn* connection) {
    return load::number(must(connection,
                             "SELECT sum(allocated_size)::bigint FROM pg_shmem_allocations "
                             "WHERE name LIKE 'pg\\_leash%'"));
}

}  // namespace

int main(int argc, char** argv) {
    if (argc != 4) {
        std::fputs("Usage: scale_load SESSIONS SECONDS POLICIES\n", stderr);
        return 2;
    }
    const Connection watcher = load::connect("watcher", nullptr);
    must(watcher.get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    must(watcher.get(), "CREATE ROLE bench_client LOGIN");
    const std::vector<Connection> sessions = open_sessions(std::atoi(argv[1]), 100);
    write_policies(watcher.get(), std::atoi(argv[3]));
    const Connection busy = connect("busy");
    sleep_for(3);  // until what went before has no part in it
    const Reading before = read_worker(watcher.get());
    // Something changes all the time, so that the sampler does not slow down.
    for (int i = 0; i < 100 * std::atoi(argv[2]); i++) {
        must(busy.get(), "SELECT count(*) FROM pg_class");
        sleep_for(0.01);
    }
    const Reading after = read_worker(watcher.get());
    const double sample =
        (after.sample_time - before.sample_time) / (after.samples - before.samples);
    const double round = (after.round_time - before.round_time) / (after.rounds - before.rounds);
    const double sessions_view = read_all(watcher.get(), "leash.sessions");
    const double leaks_view = read_all(watcher.get(), "leash.leaks");
    const double activity = read_all(watcher.get(), "pg_stat_activity");
    std::printf("%.1f %.0f %.0f %.0f %.0f %ld %ld\n", sample, round, sessions_view, leaks_view,
                activity, shared_memory(watcher.get()), after.memory);
    return 0;
}
