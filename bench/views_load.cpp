// The load of bench/views: opens many sessions, and times what a look at all of
// them takes through pg_stat_activity and through leash.sessions, in turns.
//
// Prints one line: the median times in microseconds, and the median of the ratios
// of each pair.
#include <libpq-fe.h>

#include <algorithm>
#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <vector>

namespace {

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;
using Result = std::unique_ptr<PGresult, ResultClearer>;

Connection connect() {
    Connection connection(PQconnectdb(""));
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        std::fprintf(stderr, "views_load: %s", PQerrorMessage(connection.get()));
        std::exit(1);
    }
    return connection;
}

int run(PGconn* connection, const char* sql) {
    const Result result(PQexec(connection, sql));
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        std::fprintf(stderr, "views_load: %s", PQerrorMessage(connection));
        std::exit(1);
    }
    return PQntuples(result.get());
}

// Two in three are idle, one in three is idle in transaction.
std::vector<Connection> open_sessions(int count) {
    std::vector<Connection> sessions;
    for (int i = 0; i < count; i++) {
        sessions.push_back(connect());
        PGconn* const session = sessions.back().get();
        if (i % 3 == 0) {
            run(session, "BEGIN");
        }
        run(session,
            "SELECT count(*) FROM pg_class WHERE relkind = 'r'"
            " /*application='checkout',route='%2Fapi%2Forders'*/");
    }
    return sessions;
}

double microseconds_of(PGconn* connection, const char* sql, int at_least) {
    const auto begun = std::chrono::steady_clock::now();
    const int rows = run(connection, sql);
    const auto ended = std::chrono::steady_clock::now();
    if (rows < at_least) {
        std::fprintf(stderr, "views_load: %d rows, where %d sessions are open\n", rows, at_least);
        std::exit(1);
    }
    return std::chrono::duration<double, std::micro>(ended - begun).count();
}

double median(std::vector<double> values) {
    std::sort(values.begin(), values.end());
    return values[values.size() / 2];
}

}  // namespace

int main(int argc, char** argv) {
    const int count = argc == 3 ? std::atoi(argv[1]) : 0;
    const int pairs = argc == 3 ? std::atoi(argv[2]) : 0;
    if (count <= 0 || pairs <= 0) {
        std::fputs("Usage: views_load SESSIONS PAIRS\n", stderr);
        return 2;
    }
    const std::vector<Connection> sessions = open_sessions(count);
    const Connection looker = connect();
    run(looker.get(), "CREATE EXTENSION IF NOT EXISTS pg_leash");
    const char* const theirs = "SELECT * FROM pg_stat_activity";
    const char* const ours = "SELECT * FROM leash.sessions";
    microseconds_of(looker.get(), theirs, count);  // fills the caches
    microseconds_of(looker.get(), ours, count);
    std::vector<double> their_times;
    std::vector<double> our_times;
    std::vector<double> ratios;
    for (int i = 0; i < pairs; i++) {
        their_times.push_back(microseconds_of(looker.get(), theirs, count));
        our_times.push_back(microseconds_of(looker.get(), ours, count));
        ratios.push_back(our_times.back() / their_times.back());
    }
    std::printf("%.0f %.0f %.2f\n", median(their_times), median(our_times), median(ratios));
    return 0;
}
