// The load of bench/reap: sessions that leak, healthy ones beside them, and a reaper,
// against one server.  A leaked session learns of its end as any client does: the
// server hangs up.  Healthy ones take numbers from a sequence of their own and check
// each; sequences do not roll back, so that after a cut it can be told whether the
// command had begun.
//
// Prints one line of NAME=NUMBER pairs; times are milliseconds:
//   leaked     sessions that leaked, and of these
//   left       those that still were there in the end
//   burst      from the first leak to the last
//   first      from the first leak's threshold to the first end
//   last       from the last leak's threshold to the last end
//   answered   statements of healthy sessions
//   lost       healthy sessions that were cut, and of these
//   wrong      those whose command had begun
//   slowest    the longest that a healthy session waited for an answer
//   age_p50, age_p99, age_max   what is between a leak's threshold and its end
//   journal_p50, journal_p99, journal_max   the same to the decision, by reap_log
//   full       from the first leak's threshold until somebody could connect
#include <sys/epoll.h>
#include <sys/resource.h>
#include <unistd.h>

#include <algorithm>
#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

#include "reap_crowd.h"

namespace {

using namespace load;

using Clock = std::chrono::system_clock;  // what the server's state_change is in

enum class Scenario { burst, trickle, full };

struct Options {
    bool leash = false;
    Scenario scenario = Scenario::burst;
    int leaks = 1800;
    int healthy = 50;
    int threshold = 3000;  // ms
    int interval = 1000;   // ms between two looks of the reaper
    int rate = 100;        // leaks a second of a trickle

    // Another one in each scenario: what comes back at once after it was reaped is
    // left alone for a while.
    const char* application() const {
        return scenario == Scenario::burst     ? "leaky burst"
               : scenario == Scenario::trickle ? "leaky trickle"
                                               : "leaky superuser";
    }
};

constexpr int kPatience = 60'000;  // ms for the last to end

long to_ms(Clock::duration duration) {
    return static_cast<long>(std::chrono::duration_cast<milliseconds>(duration).count());
}

// ---- leaked sessions ---------------------------------------------------------

struct Leak {
    Connection connection;
    Clock::time_point leaked;
    Clock::time_point ended;  // 0: still there
};

using Leaks = std::vector<Leak>;

// Half of them hold a row; the other half nothing but their slot.
std::string leak_statement(size_t i) {
    return i % 2 == 0 ? "BEGIN; SELECT 1"
                      : "BEGIN; UPDATE held SET n = n + 1 WHERE id = " + std::to_string(i);
}

// What a session loads when it does something for the first time is done beforehand.
void open_some(const Options& options, Leaks& leaks, size_t from, size_t step) {
    for (size_t i = from; i < leaks.size(); i += step) {
        leaks[i].connection = connect(options.application(), "app");
        must(leaks[i].connection.get(), leak_statement(i));
        must(leaks[i].connection.get(), "ROLLBACK");
    }
}

Leaks open_leaks(const Options& options) {
    Leaks leaks(static_cast<size_t>(options.leaks));
    constexpr size_t kThreads = 4;
    std::vector<std::thread> threads;
    for (size_t i = 0; i < kThreads; i++) {
        threads.emplace_back(open_some, std::cref(options), std::ref(leaks), i, kThreads);
    }
    for (std::thread& thread : threads) {
        thread.join();
    }
    return leaks;
}

void leak_all(Leaks& leaks) {
    for (size_t i = 0; i < leaks.size(); i++) {
        if (PQsendQuery(leaks[i].connection.get(), leak_statement(i).c_str()) == 0) {
            fail("leak", PQerrorMessage(leaks[i].connection.get()));
        }
    }
    for (Leak& leak : leaks) {
        for (;;) {
            const Result result(PQgetResult(leak.connection.get()));
            if (result == nullptr) {
                break;
            }
            if (!worked(result.get())) {
                fail("leak", PQerrorMessage(leak.connection.get()));
            }
        }
        leak.leaked = Clock::now();
    }
}

void leak_one(Leak& leak, size_t i) {
    must(leak.connection.get(), leak_statement(i));
    leak.leaked = Clock::now();
}

void leak_by_and_by(Leaks& leaks, int rate) {
    const auto begun = std::chrono::steady_clock::now();
    for (size_t i = 0; i < leaks.size(); i++) {
        std::this_thread::sleep_until(begun +
                                      microseconds(1'000'000 * static_cast<long>(i) / rate));
        leak_one(leaks[i], i);
    }
}

// Notes when the server hangs up on each.
class Watch {
public:
    explicit Watch(Leaks& leaks) : leaks_(leaks), epoll_(epoll_create1(0)) {
        for (size_t i = 0; i < leaks.size(); i++) {
            epoll_event event{};
            event.events = EPOLLRDHUP;
            event.data.u64 = i;
            epoll_ctl(epoll_, EPOLL_CTL_ADD, PQsocket(leaks[i].connection.get()), &event);
        }
    }
    Watch(const Watch&) = delete;
    Watch& operator=(const Watch&) = delete;
    ~Watch() { close(epoll_); }

    // Until all are gone; returns how many are not.
    size_t until_gone(milliseconds patience) {
        const auto until = std::chrono::steady_clock::now() + patience;
        while (gone_ < leaks_.size() && std::chrono::steady_clock::now() < until) {
            epoll_event events[256];
            const int count = epoll_wait(epoll_, events, 256, 100);
            const Clock::time_point now = Clock::now();
            for (int i = 0; i < count; i++) {
                note_end(leaks_[events[i].data.u64], now);
            }
        }
        return leaks_.size() - gone_;
    }

private:
    void note_end(Leak& leak, Clock::time_point now) {
        leak.ended = now;
        epoll_ctl(epoll_, EPOLL_CTL_DEL, PQsocket(leak.connection.get()), nullptr);
        gone_++;
    }

    Leaks& leaks_;
    int epoll_;
    size_t gone_ = 0;
};

// ---- reapers -------------------------------------------------------------------

std::string interval_of(int ms) {
    return "interval '" + std::to_string(ms) + " ms'";
}

// What people run from cron or a loop, as often as the worker looks.
class UsualLoop {
public:
    explicit UsualLoop(const Options& options)
        : options_(options), connection_(connect("reaper", "postgres")) {
        if (!options.leash) {
            thread_ = std::thread(&UsualLoop::run, this);
        }
    }
    ~UsualLoop() {
        finished_ = true;
        if (thread_.joinable()) {
            thread_.join();
        }
    }

private:
    void run() {
        const std::string sql =
            "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
            " WHERE state LIKE 'idle in transaction%' AND state_change < now() - " +
            interval_of(options_.threshold);
        auto next = std::chrono::steady_clock::now();
        while (!finished_) {
            must(connection_.get(), sql);
            next += milliseconds(options_.interval);
            std::this_thread::sleep_until(next);
        }
    }

    const Options& options_;
    Connection connection_;
    std::atomic<bool> finished_{false};
    std::thread thread_;
};

void until(PGconn* connection, const std::string& condition) {
    const auto until = std::chrono::steady_clock::now() + std::chrono::seconds(30);
    while (*PQgetvalue(must(connection, "SELECT " + condition).get(), 0, 0) != 't') {
        if (std::chrono::steady_clock::now() > until) {
            fail("waited in vain for", condition.c_str());
        }
        std::this_thread::sleep_for(milliseconds(10));
    }
}

void set_up(const Options& options) {
    const Connection admin = connect("set_up", "postgres");
    must(admin.get(),
         "DROP SCHEMA public CASCADE; CREATE SCHEMA public; GRANT ALL ON SCHEMA public TO public;"
         "CREATE EXTENSION IF NOT EXISTS pg_leash;"
         "DELETE FROM leash.policies;"
         "DO $$BEGIN CREATE ROLE app LOGIN; EXCEPTION WHEN duplicate_object THEN END$$");
    must(admin.get(), "CREATE TABLE held AS SELECT id, 0 AS n FROM generate_series(0, " +
                          std::to_string(options.leaks) + ") AS id");
    must(admin.get(), "ALTER TABLE held ADD PRIMARY KEY (id)");
    must(admin.get(), "GRANT ALL ON held TO app");
    must(admin.get(), std::string("ALTER SYSTEM SET pg_leash.reaping = ") +
                          (options.leash ? "'enforce'" : "'off'"));
    must(admin.get(), "ALTER SYSTEM SET pg_leash.check_interval = '" +
                          std::to_string(options.interval) + " ms'");
    must(admin.get(), "SELECT pg_reload_conf()");
    if (options.leash) {
        must(admin.get(),
             "INSERT INTO leash.policies (name, mode, states, idle_for, action,"
             " include_superusers) VALUES ('leaks', 'enforce', '{idle in transaction}', " +
                 interval_of(options.threshold) + ", 'terminate', true)");
        until(admin.get(), "policies = 1 FROM leash.worker");
    }
}

// ---- what came of it -----------------------------------------------------------

long percentile(std::vector<long> values, double share) {
    if (values.empty()) {
        return -1;
    }
    std::sort(values.begin(), values.end());
    const auto at = static_cast<size_t>(share * static_cast<double>(values.size()));
    return values[std::min(at, values.size() - 1)];
}

void print_distribution(const char* name, const std::vector<long>& values) {
    std::printf("%s_p50=%ld %s_p99=%ld %s_max=%ld ", name, percentile(values, 0.5), name,
                percentile(values, 0.99), name, percentile(values, 1));
}

// Of sessions that leaked in their own client's sight.
void print_ages(const Options& options, const Leaks& leaks) {
    std::vector<long> ages;
    for (const Leak& leak : leaks) {
        if (leak.ended != Clock::time_point{}) {
            ages.push_back(to_ms(leak.ended - leak.leaked) - options.threshold);
        }
    }
    print_distribution("age", ages);
}

void print_journal(const Options& options, PGconn* admin) {
    const Result rows = must(admin,
                             "SELECT 1000 * extract(epoch FROM leaked_for) FROM leash.reap_log"
                             " WHERE outcome = 'ended' AND application_name = '" +
                                 std::string(options.application()) + "'");
    std::vector<long> ages;
    for (int row = 0; row < PQntuples(rows.get()); row++) {
        ages.push_back(std::atol(PQgetvalue(rows.get(), row, 0)) - options.threshold);
    }
    print_distribution("journal", ages);
    const Result outcomes =
        must(admin, "SELECT outcome, count(*), max(took) FROM leash.reap_log GROUP BY outcome");
    for (int row = 0; row < PQntuples(outcomes.get()); row++) {
        std::fprintf(stderr, "  %-24s %s, took at most %s\n", PQgetvalue(outcomes.get(), row, 0),
                     PQgetvalue(outcomes.get(), row, 1), PQgetvalue(outcomes.get(), row, 2));
    }
    const Result worker = must(
        admin, "SELECT max_round_time, total_round_time / greatest(rounds, 1) FROM leash.worker");
    std::fprintf(stderr, "  rounds took %s, at most %s\n", PQgetvalue(worker.get(), 0, 1),
                 PQgetvalue(worker.get(), 0, 0));
}

// The server's own account of when the sessions leaked.
struct Burst {
    Clock::time_point first;
    Clock::time_point last;
};

Burst read_burst(const Options& options, PGconn* admin) {
    const Result result = must(admin,
                               "SELECT (1e6 * extract(epoch FROM min(state_change)))::bigint,"
                               " (1e6 * extract(epoch FROM max(state_change)))::bigint"
                               " FROM pg_stat_activity WHERE application_name = '" +
                                   std::string(options.application()) + "'");
    return {Clock::time_point(microseconds(number(result, 0))),
            Clock::time_point(microseconds(number(result, 1)))};
}

void print_burst(const Options& options, const Leaks& leaks, const Burst& burst) {
    Clock::time_point first = Clock::time_point::max();
    Clock::time_point last{};
    for (const Leak& leak : leaks) {
        if (leak.ended != Clock::time_point{}) {
            first = std::min(first, leak.ended);
            last = std::max(last, leak.ended);
        }
    }
    std::printf("burst=%ld first=%ld last=%ld ", to_ms(burst.last - burst.first),
                to_ms(first - burst.first) - options.threshold,
                to_ms(last - burst.last) - options.threshold);
}

// ---- scenarios -----------------------------------------------------------------

// All at once, or some at a time.
void reap(const Options& options) {
    set_up(options);
    const Connection admin = connect("admin", "postgres");
    Leaks leaks = open_leaks(options);
    Crowd healthy(options.healthy);
    const UsualLoop loop(options);
    std::this_thread::sleep_for(milliseconds(500));
    Watch watch(leaks);
    Burst burst{};
    size_t left = 0;
    if (options.scenario == Scenario::burst) {
        leak_all(leaks);
        burst = read_burst(options, admin.get());
        left = watch.until_gone(milliseconds(options.threshold + kPatience));
    } else {
        std::thread leaking(leak_by_and_by, std::ref(leaks), options.rate);
        left = watch.until_gone(
            milliseconds(1000 * options.leaks / options.rate + options.threshold + kPatience));
        leaking.join();
    }
    healthy.disperse();
    std::printf("leaked=%d left=%zu ", options.leaks, left);
    if (options.scenario == Scenario::burst) {
        print_burst(options, leaks, burst);
    }
    print_ages(options, leaks);
    if (options.leash) {
        print_journal(options, admin.get());
    }
    std::printf("answered=%ld lost=%ld wrong=%ld slowest=%ld\n", answered.load(), lost.load(),
                wrong.load(), slowest.load());
}

// A superuser's sessions take every slot there is, the reserved ones too.  A reaper that
// must connect has no part in this.
void fill(const Options& options) {
    set_up(options);
    Leaks leaks;
    for (;;) {
        Connection connection = try_connect(options.application(), "postgres");
        if (!is_connected(connection)) {
            break;
        }
        leaks.push_back({std::move(connection), {}, {}});
        leak_one(leaks.back(), 0);
    }
    const auto until = std::chrono::steady_clock::now() + milliseconds(kPatience);
    while (!is_connected(try_connect("next", "postgres"))) {
        if (std::chrono::steady_clock::now() > until) {
            fail("nobody", "could connect");
        }
        std::this_thread::sleep_for(milliseconds(5));
    }
    std::printf("leaked=%zu left=0 full=%ld\n", leaks.size(),
                to_ms(Clock::now() - leaks.front().leaked) - options.threshold);
}

bool parse_scenario(std::string_view name, Scenario& scenario) {
    scenario = name == "full"      ? Scenario::full
               : name == "trickle" ? Scenario::trickle
                                   : Scenario::burst;
    return name == "full" || name == "trickle" || name == "burst";
}

bool parse_options(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = argv[i + 1];
        const int count = std::atoi(argv[i + 1]);
        if (name == "--reaper" && (value == "leash" || value == "usual")) {
            options.leash = value == "leash";
        } else if (name == "--scenario" && parse_scenario(value, options.scenario)) {
        } else if (name == "--leaks" && count > 0) {
            options.leaks = count;
        } else if (name == "--healthy" && count >= 0) {
            options.healthy = count;
        } else if (name == "--threshold" && count > 0) {
            options.threshold = count;
        } else if (name == "--interval" && count > 0) {
            options.interval = count;
        } else if (name == "--rate" && count > 0) {
            options.rate = count;
        } else {
            return false;
        }
    }
    return argc % 2 == 1 && (options.leash || options.scenario != Scenario::full);
}

void allow_many_sockets() {
    rlimit limit{};
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0) {
        limit.rlim_cur = limit.rlim_max;
        (void)setrlimit(RLIMIT_NOFILE, &limit);
    }
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse_options(argc, argv, options)) {
        std::fputs(
            "Usage: reap_load [--reaper usual|leash] [--scenario burst|trickle|full] [--leaks N]\n"
            "                 [--healthy N] [--threshold MS] [--interval MS] [--rate N]\n",
            stderr);
        return 2;
    }
    allow_many_sockets();
    if (options.scenario == Scenario::full) {
        fill(options);
    } else {
        reap(options);
    }
    return 0;
}
