// A client session over libpq that measures its own time.
#pragma once

#include <libpq-fe.h>

#include <memory>
#include <optional>
#include <stdexcept>
#include <string>
#include <vector>

#include "meter.h"

namespace leash::protocol {

struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Result = std::unique_ptr<PGresult, ResultClearer>;

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;

// The test, not the server, is at fault.
class Broken : public std::runtime_error {
public:
    using std::runtime_error::runtime_error;
};

// What a command came to.
struct Outcome {
    std::string sqlstate;  // empty: it succeeded
    std::string message;
    std::string value;  // first column of the first row
    int rows = 0;

    bool ok() const { return sqlstate.empty(); }
};

Outcome outcome_of(const PGresult* result);

// How a session connects, beyond what the PG* variables say.
struct Login {
    std::string database;
    std::string options;
    std::string application = "protocol";
};

class Session {
public:
    explicit Session(const Login& login = {});
    Session(const Session&) = delete;
    Session& operator=(const Session&) = delete;

    // Simple protocol: the outcome of the last statement, or of the one that failed.
    Outcome exec(const std::string& sql);
    // As exec(); throws Broken when it fails.
    std::string must(const std::string& sql);
    // Extended protocol, one round trip.
    Outcome exec_params(const std::string& sql, const std::vector<std::string>& values = {});
    Outcome prepare(const std::string& name, const std::string& sql);
    Outcome exec_prepared(const std::string& name, const std::vector<std::string>& values = {});

    // COPY ... FROM STDIN in parts, and COPY ... TO STDOUT.
    void begin_copy_in(const std::string& sql);
    void put_copy_data(const std::string& data);
    Outcome end_copy_in();
    Outcome copy_out(const std::string& sql);

    // Fast path; the result is an int4.
    Outcome call(Oid function, const std::vector<int>& values);

    PGconn* raw() { return connection_.get(); }
    int pid() { return PQbackendPID(raw()); }
    Meter& meter() { return meter_; }
    // For what a test does with raw(): call when the server has answered.
    void note_ready();

private:
    static void on_notice(void* self, const PGresult* notice);
    Outcome finish(int sent);

    Connection connection_;
    Outcome farewell_;  // the error that came while no command was running
    Meter meter_;
};

// The client thinks.
void think(int milliseconds);

}  // namespace leash::protocol
