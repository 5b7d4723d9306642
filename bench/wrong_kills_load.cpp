// The load of bench/wrong_kills: sessions that wake up just when a reaper would end
// them, and the reaper, against one server.  It knows the truth about each
// statement: a statement takes a number from a sequence of its own session and then
// works for 2 ms; when it is to be planned for a while, it takes one from another
// sequence as its planning begins.  Sequences do not roll back, so that after a cut
// the next connection can tell what had happened before it.
//
// Prints one line of NAME=NUMBER pairs:
//   attempted  sessions that the reaper tried to end
//   ended      sessions that were cut, as their clients saw it
//   spared     attempts that the reaper itself gave up, by pg_leash's outcome
//   ran        of the sessions ended: the statement had run
//   planned    of the sessions ended: the statement was being planned
#include <libpq-fe.h>

#include <atomic>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <map>
#include <memory>
#include <random>
#include <string>
#include <string_view>
#include <thread>
#include <vector>

namespace {

using std::chrono::microseconds;
using std::chrono::milliseconds;

struct Options {
    bool leash = false;
    long reaps = 1000;
    int sessions = 24;
    int threshold = 30;  // ms of idleness after which the reaper comes
    int planning = 0;    // ms that each statement takes to plan
};

constexpr milliseconds kWakeEarliest{-5};  // relative to the threshold
constexpr milliseconds kWakeLatest{10};
constexpr const char* kApplication = "wrong_kills";

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;
using Result = std::unique_ptr<PGresult, ResultClearer>;

std::atomic<bool> stop{false};
std::atomic<long> ended{0};
std::atomic<long> ran{0};
std::atomic<long> planned{0};
std::atomic<long> succeeded{0};

[[noreturn]] void fail(const char* what, const char* message) {
    std::fprintf(stderr, "wrong_kills_load: %s: %s\n", what, message);
    std::_Exit(1);
}

bool worked(const Result& result) {
    const ExecStatusType status = PQresultStatus(result.get());
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

void ignore(void*, const char*) {}

Connection connect(const char* application) {
    const char* const keywords[] = {"application_name", nullptr};
    const char* const values[] = {application, nullptr};
    // A session that was cut may hold its slot for a moment more.
    for (int tries = 0; tries < 200; tries++) {
        Connection connection(PQconnectdbParams(keywords, values, 0));
        PQsetNoticeProcessor(connection.get(), ignore, nullptr);
        if (PQstatus(connection.get()) == CONNECTION_OK) {
            return connection;
        }
        if (tries == 199) {
            fail("connect", PQerrorMessage(connection.get()));
        }
        std::this_thread::sleep_for(milliseconds(20));
    }
    std::abort();
}

Result must(PGconn* connection, const std::string& sql) {
    Result result(PQexec(connection, sql.c_str()));
    if (!worked(result)) {
        fail(sql.c_str(), PQerrorMessage(connection));
    }
    return result;
}

// The last number that was taken from a sequence, 0: none.
struct Taken {
    long by_statement = 0;
    long by_planner = 0;
};

// One client session, on as many connections as it takes.
class Client {
public:
    Client(const Options& options, int number)
        : options_(options),
          extended_(number % 2 == 1),
          random_(static_cast<unsigned>(number)),
          taken_by_statement_("taken_" + std::to_string(number)),
          taken_by_planner_("planned_" + std::to_string(number)) {
        statement_ = "SELECT nextval('" + taken_by_statement_ + "'), ";
        if (options.planning > 0) {
            statement_ +=
                "plan_for(" + std::to_string(options.planning) + ", '" + taken_by_planner_ + "')";
        } else {
            statement_ += "0";
        }
        statement_ += ", pg_sleep(0.002)";
        connection_ = connect(kApplication);
        must(connection_.get(), "CREATE SEQUENCE " + taken_by_statement_);
        must(connection_.get(), "CREATE SEQUENCE " + taken_by_planner_);
    }

    void run() {
        std::uniform_int_distribution<long> wake(microseconds(kWakeEarliest).count(),
                                                 microseconds(kWakeLatest).count());
        while (!stop) {
            std::this_thread::sleep_for(milliseconds(options_.threshold) +
                                        microseconds(wake(random_)));
            execute();
        }
        execute();  // shows whether the last sleep was cut
    }

private:
    void execute() {
        const Result result(extended_ ? PQexecParams(connection_.get(), statement_.c_str(), 0,
                                                     nullptr, nullptr, nullptr, nullptr, 0)
                                      : PQexec(connection_.get(), statement_.c_str()));
        if (worked(result)) {
            confirmed_.by_statement = std::atol(PQgetvalue(result.get(), 0, 0));
            confirmed_.by_planner = std::atol(PQgetvalue(result.get(), 0, 1));
            succeeded++;
            return;
        }
        if (PQstatus(connection_.get()) == CONNECTION_OK) {
            fail(statement_.c_str(), PQerrorMessage(connection_.get()));
        }
        judge_cut();
    }

    // The session was ended: how far had the statement come?
    void judge_cut() {
        connection_ = connect(kApplication);
        const Taken now = read_sequences();
        ended++;
        if (now.by_statement > confirmed_.by_statement) {
            ran++;
        } else if (now.by_planner > confirmed_.by_planner) {
            planned++;
        }
        confirmed_ = now;
    }

    // Reading takes a moment, in which the session is not idle for long enough to be
    // reaped; should it happen all the same, it is only tried again.
    Taken read_sequences() {
        const std::string sql =
            "SELECT CASE WHEN a.is_called THEN a.last_value ELSE 0 END,"
            " CASE WHEN b.is_called THEN b.last_value ELSE 0 END FROM " +
            taken_by_statement_ + " a, " + taken_by_planner_ + " b";
        for (;;) {
            const Result result(PQexec(connection_.get(), sql.c_str()));
            if (worked(result)) {
                return {std::atol(PQgetvalue(result.get(), 0, 0)),
                        std::atol(PQgetvalue(result.get(), 0, 1))};
            }
            ended++;
            connection_ = connect(kApplication);
        }
    }

    const Options& options_;
    const bool extended_;
    std::mt19937 random_;
    std::string taken_by_statement_;
    std::string taken_by_planner_;
    std::string statement_;
    Connection connection_;
    Taken confirmed_;
};

// What the reaper's attempts came to, by the outcome that it returned.
using Outcomes = std::map<std::string, long>;

std::string reaper_statement(const Options& options) {
    const std::string interval = "interval '" + std::to_string(options.threshold) + " ms'";
    const std::string whom = std::string("application_name = '") + kApplication + "'";
    if (options.leash) {
        return "SELECT leash.terminate(session_id) FROM leash.sessions WHERE state = 'idle'"
               " AND idle_for > " +
               interval + " AND " + whom;
    }
    return "SELECT CASE WHEN pg_terminate_backend(pid) THEN 'ended' ELSE 'gone' END"
           " FROM pg_stat_activity WHERE state = 'idle' AND state_change < now() - " +
           interval + " AND " + whom;
}

void show_progress(const Options& options) {
    static std::chrono::steady_clock::time_point shown = std::chrono::steady_clock::now();
    const auto now = std::chrono::steady_clock::now();
    if (now - shown > std::chrono::seconds(10)) {
        shown = now;
        std::fprintf(stderr, "  %ld of %ld\n", ended.load(), options.reaps);
    }
}

Outcomes reap(const Options& options) {
    Outcomes outcomes;
    const Connection connection = connect("reaper");
    const std::string sql = reaper_statement(options);
    while (ended < options.reaps) {
        const Result result = must(connection.get(), sql);
        for (int row = 0; row < PQntuples(result.get()); row++) {
            outcomes[PQgetvalue(result.get(), row, 0)]++;
        }
        show_progress(options);
    }
    return outcomes;
}

void set_up(const Options& options) {
    const Connection connection = connect("set_up");
    must(connection.get(),
         "DROP SCHEMA public CASCADE; CREATE SCHEMA public;"
         "CREATE EXTENSION IF NOT EXISTS pg_leash");
    // Declared immutable, so that the planner calls it: what it is not is the point.
    must(connection.get(),
         "CREATE FUNCTION plan_for(ms int, sequence text) RETURNS bigint LANGUAGE plpgsql"
         " IMMUTABLE AS $$ DECLARE taken bigint := nextval(sequence);"
         " BEGIN PERFORM pg_sleep(ms / 1000.0); RETURN taken; END $$");
    if (options.planning > 0) {
        must(connection.get(), "CREATE SEQUENCE folded");
        must(connection.get(), "EXPLAIN SELECT plan_for(1, 'folded')");
        const Result once = must(connection.get(), "SELECT last_value, is_called FROM folded");
        if (std::strcmp(PQgetvalue(once.get(), 0, 0), "1") != 0 ||
            std::strcmp(PQgetvalue(once.get(), 0, 1), "t") != 0) {
            fail("plan_for", "the planner did not call it exactly once");
        }
    }
}

void report(const Outcomes& outcomes) {
    long attempted = 0;
    long spared = 0;
    for (const auto& [outcome, count] : outcomes) {
        attempted += count;
        if (outcome.starts_with("spared") || outcome.starts_with("refused")) {
            spared += count;
        }
        std::fprintf(stderr, "  %-24s %ld\n", outcome.c_str(), count);
    }
    std::printf("attempted=%ld ended=%ld spared=%ld ran=%ld planned=%ld succeeded=%ld\n", attempted,
                ended.load(), spared, ran.load(), planned.load(), succeeded.load());
}

bool parse_options(int argc, char** argv, Options& options) {
    for (int i = 1; i + 1 < argc; i += 2) {
        const std::string_view name = argv[i];
        const std::string_view value = argv[i + 1];
        const int number = std::atoi(argv[i + 1]);
        if (name == "--reaper" && (value == "leash" || value == "usual")) {
            options.leash = value == "leash";
        } else if (name == "--reaps" && number > 0) {
            options.reaps = number;
        } else if (name == "--sessions" && number > 0) {
            options.sessions = number;
        } else if (name == "--threshold" && number > 5) {
            options.threshold = number;
        } else if (name == "--planning" && number >= 0) {
            options.planning = number;
        } else {
            return false;
        }
    }
    return argc % 2 == 1;
}

}  // namespace

int main(int argc, char** argv) {
    Options options;
    if (!parse_options(argc, argv, options)) {
        std::fputs(
            "Usage: wrong_kills_load [--reaper usual|leash] [--reaps N] [--sessions N]\n"
            "                        [--threshold MS] [--planning MS]\n",
            stderr);
        return 2;
    }
    set_up(options);
    std::vector<std::unique_ptr<Client>> clients;
    for (int i = 0; i < options.sessions; i++) {
        clients.push_back(std::make_unique<Client>(options, i));
    }
    std::vector<std::thread> threads;
    for (const auto& client : clients) {
        threads.emplace_back(&Client::run, client.get());
    }
    const Outcomes outcomes = reap(options);
    stop = true;
    for (std::thread& thread : threads) {
        thread.join();
    }
    report(outcomes);
    return 0;
}
