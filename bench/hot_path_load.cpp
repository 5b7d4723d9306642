// The load of bench/hot_path: one session that runs one kind of statement a given
// number of times and nothing else.  Prints the process id of its backend, by
// which the script finds that backend's profile.
//
// Two things are not left to chance.  A backend that finds the next message waiting
// saves itself a wait, some 200 instructions: so each statement is sent when the
// backend sleeps.  And one that has statistics to report, of its own start, looks
// after each statement whether a second has passed: so they are reported first.
#include <libpq-fe.h>
#include <sched.h>

#include <chrono>
#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>
#include <string_view>
#include <thread>

namespace {

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;
using Result = std::unique_ptr<PGresult, ResultClearer>;

[[noreturn]] void fail(PGconn* connection) {
    std::fprintf(stderr, "hot_path_load: %s", PQerrorMessage(connection));
    std::exit(1);
}

void check(PGconn* connection, const Result& result) {
    const ExecStatusType status = PQresultStatus(result.get());
    if (status != PGRES_COMMAND_OK && status != PGRES_TUPLES_OK) {
        fail(connection);
    }
}

// Waits until the backend sleeps; Linux tells so in the third field of this file.
void await_sleep(PGconn* connection) {
    static const std::string path = "/proc/" + std::to_string(PQbackendPID(connection)) + "/stat";
    for (;;) {
        std::FILE* const file = std::fopen(path.c_str(), "r");
        char state = 0;
        if (file == nullptr || std::fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
            std::fprintf(stderr, "hot_path_load: cannot read %s\n", path.c_str());
            std::exit(1);
        }
        std::fclose(file);
        if (state == 'S') {
            return;
        }
        sched_yield();
    }
}

void prepare(PGconn* connection, const char* name, const char* sql) {
    check(connection, Result(PQprepare(connection, name, sql, 0, nullptr)));
}

// Bind, Describe, Execute, Sync.
void execute(PGconn* connection, const char* name) {
    await_sleep(connection);
    check(connection, Result(PQexecPrepared(connection, name, 0, nullptr, nullptr, nullptr, 0)));
}

// A statement with an sqlcommenter comment of 1,024 bytes.
std::string tagged_statement() {
    std::string comment = "/*application='checkout',route='%2Fapi%2Forders',traceparent='";
    comment.append(1024 - comment.size() - 3, 'f');
    return "SELECT 1 " + comment + "'*/";
}

// Runs a kind of statement; false: there is no such kind.
bool run_once(PGconn* connection, std::string_view kind, const std::string& tagged) {
    if (kind == "prepared") {
        execute(connection, "select");
    } else if (kind == "transaction") {
        execute(connection, "begin");
        execute(connection, "select");
        execute(connection, "commit");
    } else if (kind == "tagged") {
        await_sleep(connection);
        check(connection, Result(PQexec(connection, tagged.c_str())));
    } else {
        return false;
    }
    return true;
}

bool run(PGconn* connection, std::string_view kind, long count) {
    prepare(connection, "begin", "BEGIN");
    prepare(connection, "select", "SELECT 1");
    prepare(connection, "commit", "COMMIT");
    const std::string tagged = tagged_statement();
    if (!run_once(connection, kind, tagged)) {
        return false;
    }
    // PostgreSQL reports statistics at most once a second, when a statement ends.
    std::this_thread::sleep_for(std::chrono::milliseconds(1500));
    for (long i = 0; i < count; i++) {
        run_once(connection, kind, tagged);
    }
    return true;
}

}  // namespace

int main(int argc, char** argv) {
    const long count = argc == 3 ? std::atol(argv[2]) : 0;
    if (count <= 0) {
        std::fputs("Usage: hot_path_load prepared|transaction|tagged COUNT\n", stderr);
        return 2;
    }
    const Connection connection(PQconnectdb(""));
    if (PQstatus(connection.get()) != CONNECTION_OK) {
        fail(connection.get());
    }
    if (!run(connection.get(), argv[1], count)) {
        std::fprintf(stderr, "hot_path_load: no such kind: %s\n", argv[1]);
        return 2;
    }
    std::printf("%d\n", PQbackendPID(connection.get()));
    return 0;
}
