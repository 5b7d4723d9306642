// A client that behaves the way applications do when they leak sessions, and the
// ones beside them that do not.  For the demo and the tests.
//
// It speaks libpq, connects as the PG* variables say, and reports one event a
// line: the application's name, the event, and what belongs to it:
//
//     checkout connected pid=4711
//     checkout ready updated order 42 and never commits
//     checkout lost after=5.1s FATAL 57P01: terminating connection due to ...
//     checkout DETAIL: ...
//
// It ends when it has nothing left to do, when all its connections are lost, or
// on SIGTERM.  Exit status: 0, 1 when it could not do its part, 2 for bad usage.
#include <libpq-fe.h>
#include <poll.h>

#include <chrono>
#include <csignal>
#include <cstdarg>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>
#include <vector>

namespace {

using Clock = std::chrono::steady_clock;

volatile std::sig_atomic_t stop_requested = 0;

void request_stop(int) {
    stop_requested = 1;
}

struct Options {
    std::string leak;
    std::string app = "leaky";
    std::string route;
    std::string statement;
    int connections = 1;
    int order = 42;
};

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultClearer>;

double seconds_since(Clock::time_point then) {
    return std::chrono::duration<double>(Clock::now() - then).count();
}

const char* plural(size_t count) {
    return count == 1 ? "" : "s";
}

__attribute__((format(printf, 2, 3))) void report(const Options& options, const char* format, ...) {
    std::va_list arguments;
    va_start(arguments, format);
    std::printf("%s ", options.app.c_str());
    std::vprintf(format, arguments);
    std::printf("\n");
    std::fflush(stdout);  // whoever reads a pipe or a file wants it now
    va_end(arguments);
}

// What the server said when it refused or ended something.
struct ServerError {
    std::string severity, sqlstate, message, detail, hint;

    explicit ServerError(const PGresult* result) {
        const auto field = [result](int code) -> std::string {
            const char* value = PQresultErrorField(result, code);
            return value != nullptr ? value : "";
        };
        severity = field(PG_DIAG_SEVERITY_NONLOCALIZED);
        sqlstate = field(PG_DIAG_SQLSTATE);
        message = field(PG_DIAG_MESSAGE_PRIMARY);
        detail = field(PG_DIAG_MESSAGE_DETAIL);
        hint = field(PG_DIAG_MESSAGE_HINT);
    }
};

class Session {
public:
    explicit Session(const Options& options) : options_(options) {
        const char* const keywords[] = {"application_name", nullptr};
        const char* const values[] = {options.app.c_str(), nullptr};
        connection_.reset(PQconnectdbParams(keywords, values, 0));
        if (!alive()) {
            report(options, "refused %s", last_line(PQerrorMessage(connection_.get())));
            return;
        }
        // An error that comes while no command runs reaches libpq's notice receiver.
        PQsetNoticeReceiver(connection_.get(), &Session::on_notice, this);
        report(options, "connected pid=%d", PQbackendPID(connection_.get()));
    }
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    bool alive() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
    int socket() const { return PQsocket(connection_.get()); }

    // Runs one statement with the application's comment; false when it failed.
    bool run(const std::string& sql, bool failure_expected = false) {
        const Result result(PQexec(connection_.get(), with_comment(sql).c_str()));
        const ExecStatusType status = PQresultStatus(result.get());
        if (status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK) {
            return true;
        }
        if (!failure_expected) {
            keep_error(result.get());
            report_error(alive() ? "failed" : "lost");
        }
        if (!alive()) {
            connection_.reset();
        }
        return false;
    }

    // Reads what the server sent on its own; reports the end of the session.
    void listen() {
        const bool readable = PQconsumeInput(connection_.get()) == 1;
        PQisBusy(connection_.get());  // parses what has come
        if (!readable || !alive()) {
            report_error("lost");
            connection_.reset();
        }
    }

    // Not yet lost.
    bool open() const { return connection_ != nullptr; }

private:
    static const char* last_line(const char* text) {
        static std::string line;
        line = text;
        while (!line.empty() && line.back() == '\n') {
            line.pop_back();
        }
        return line.c_str();
    }

    static void on_notice(void* session, const PGresult* result) {
        static_cast<Session*>(session)->keep_error(result);
    }

    void keep_error(const PGresult* result) {
        ServerError error(result);
        if (error.severity == "FATAL" || error.severity == "ERROR" || error.severity == "PANIC") {
            error_ = std::make_unique<ServerError>(std::move(error));
        }
    }

    void report_error(const char* event) const {
        if (error_ == nullptr) {
            report(options_, "%s after=%.1fs and the server gave no reason", event,
                   seconds_since(since_));
            return;
        }
        report(options_, "%s after=%.1fs %s %s: %s", event, seconds_since(since_),
               error_->severity.c_str(), error_->sqlstate.c_str(), error_->message.c_str());
        if (!error_->detail.empty()) {
            report(options_, "DETAIL: %s", error_->detail.c_str());
        }
        if (!error_->hint.empty()) {
            report(options_, "HINT: %s", error_->hint.c_str());
        }
    }

    // The comment that sqlcommenter's libraries append, values URL-encoded.
    std::string with_comment(const std::string& sql) const {
        if (options_.route.empty()) {
            return sql;
        }
        std::string encoded;
        for (const unsigned char c : options_.route) {
            if (std::isalnum(c) || std::strchr("-_.~", c) != nullptr) {
                encoded += static_cast<char>(c);
            } else {
                char escape[4];
                std::snprintf(escape, sizeof escape, "%%%02X", c);
                encoded += escape;
            }
        }
        return sql + " /*route='" + encoded + "'*/";
    }

    const Options& options_;
    std::unique_ptr<PGconn, ConnectionCloser> connection_;
    std::unique_ptr<ServerError> error_;
    Clock::time_point since_ = Clock::now();
};

using Sessions = std::vector<std::unique_ptr<Session>>;

// Waits for words of the server, at most `milliseconds` or until asked to stop.
void listen_all(Sessions& sessions, int milliseconds) {
    std::vector<pollfd> sockets;
    for (const auto& session : sessions) {
        sockets.push_back({session->open() ? session->socket() : -1, POLLIN, 0});
    }
    if (poll(sockets.data(), sockets.size(), milliseconds) <= 0) {
        return;
    }
    for (size_t i = 0; i < sockets.size(); i++) {
        if (sockets[i].revents != 0) {
            sessions[i]->listen();
        }
    }
}

bool any_open(const Sessions& sessions) {
    for (const auto& session : sessions) {
        if (session->open()) {
            return true;
        }
    }
    return false;
}

// Forgets about its sessions, as a leaking application does, until they are gone.
int forget(Sessions& sessions) {
    while (!stop_requested && any_open(sessions)) {
        listen_all(sessions, 200);
    }
    return 0;
}

std::string update_order(const Options& options) {
    return "UPDATE orders SET status = 'paid' WHERE id = " + std::to_string(options.order);
}

int leak_transaction(const Options& options, Sessions& sessions) {
    Session& session = *sessions[0];
    if (!session.run("BEGIN") || !session.run(update_order(options))) {
        return 1;
    }
    report(options, "ready updated order %d and never commits", options.order);
    return forget(sessions);
}

int leak_aborted(const Options& options, Sessions& sessions) {
    Session& session = *sessions[0];
    if (!session.run("BEGIN") || session.run("SELECT 1 / (id - id) FROM orders LIMIT 1", true)) {
        return 1;
    }
    report(options, "ready a statement failed and nobody rolls back");
    return forget(sessions);
}

int leak_abandoned(const Options& options, Sessions& sessions) {
    for (const auto& session : sessions) {
        if (!session->run("SELECT count(*) FROM orders WHERE status = 'new'")) {
            return 1;
        }
    }
    report(options, "ready used %zu connection%s once and forgot %s", sessions.size(),
           plural(sessions.size()), sessions.size() == 1 ? "it" : "them");
    return forget(sessions);
}

int leak_never_used(const Options& options, Sessions& sessions) {
    report(options, "ready opened %zu connection%s and never uses %s", sessions.size(),
           plural(sessions.size()), sessions.size() == 1 ? "it" : "them");
    return forget(sessions);
}

int wait_for_lock(const Options& options, Sessions& sessions) {
    report(options, "waiting needs the row lock of order %d", options.order);
    const Clock::time_point begun = Clock::now();
    if (!sessions[0]->run(update_order(options))) {
        return 1;
    }
    report(options, "done waited=%.1fs order %d is paid", seconds_since(begun), options.order);
    return 0;
}

int run_slowly(const Options& options, Sessions& sessions) {
    const Clock::time_point begun = Clock::now();
    if (!sessions[0]->run(options.statement)) {
        return 1;
    }
    report(options, "done took=%.2fs and the answer is there", seconds_since(begun));
    return 0;
}

// Works with a gap of 100 ms, on each of its connections in turn, and counts.
int stay_healthy(const Options& options, Sessions& sessions) {
    long succeeded = 0;
    long failed = 0;
    report(options, "ready works on %zu connection%s", sessions.size(), plural(sessions.size()));
    while (!stop_requested && any_open(sessions)) {
        Session& session = *sessions[static_cast<size_t>(succeeded + failed) % sessions.size()];
        const bool worked = session.open() && session.run("SELECT total FROM orders WHERE id = 7");
        worked ? succeeded++ : failed++;
        report(options, "count succeeded=%ld failed=%ld", succeeded, failed);
        listen_all(sessions, 100);
    }
    return failed == 0 ? 0 : 1;
}

using Role = int (*)(const Options&, Sessions&);

Role find_role(std::string_view name) {
    static constexpr struct {
        std::string_view name;
        Role role;
    } roles[] = {
        {"transaction", leak_transaction}, {"aborted", leak_aborted},
        {"abandoned", leak_abandoned},     {"never-used", leak_never_used},
        {"blocked", wait_for_lock},        {"slow", run_slowly},
        {"healthy", stay_healthy},
    };
    for (const auto& entry : roles) {
        if (entry.name == name) {
            return entry.role;
        }
    }
    return nullptr;
}

int usage(FILE* out) {
    std::fputs(
        "Usage: leaky --leak KIND [OPTION VALUE]...\n"
        "Leaks sessions of a PostgreSQL server; connects as the PG* variables say.\n\n"
        "  --leak KIND         transaction, aborted, abandoned, never-used, blocked,\n"
        "                      slow or healthy\n"
        "  --app NAME          application_name (default: leaky)\n"
        "  --route ROUTE       adds a comment route='ROUTE' to each statement\n"
        "  --connections N     how many sessions (default: 1)\n"
        "  --order N           the row that transaction and blocked update (default: 42)\n"
        "  --statement SQL     what slow runs\n",
        out);
    return out == stdout ? 0 : 2;
}

bool parse_options(int count, char** arguments, Options& options) {
    for (int i = 1; i < count; i += 2) {
        const std::string_view name = arguments[i];
        if (i + 1 == count) {
            return false;
        }
        const char* const value = arguments[i + 1];
        if (name == "--leak") {
            options.leak = value;
        } else if (name == "--app") {
            options.app = value;
        } else if (name == "--route") {
            options.route = value;
        } else if (name == "--statement") {
            options.statement = value;
        } else if (name == "--connections") {
            options.connections = std::atoi(value);
        } else if (name == "--order") {
            options.order = std::atoi(value);
        } else {
            return false;
        }
    }
    return options.connections > 0 && options.order > 0 &&
           (options.leak != "slow" || !options.statement.empty());
}

}  // namespace

int main(int count, char** arguments) {
    Options options;
    if (count == 2 && std::string_view(arguments[1]) == "--help") {
        return usage(stdout);
    }
    if (!parse_options(count, arguments, options)) {
        return usage(stderr);
    }
    const Role role = find_role(options.leak);
    if (role == nullptr) {
        return usage(stderr);
    }
    // Without SA_RESTART, so that a wait in poll() ends.
    struct sigaction action = {};
    action.sa_handler = request_stop;
    sigaction(SIGTERM, &action, nullptr);
    sigaction(SIGINT, &action, nullptr);

    Sessions sessions;
    for (int i = 0; i < options.connections; i++) {
        sessions.push_back(std::make_unique<Session>(options));
        if (!sessions.back()->alive()) {
            return 1;
        }
    }
    return role(options, sessions);
}
