// A connection to the server: libpq behind RAII, nothing more.
#pragma once

#include <memory>
#include <optional>
#include <span>
#include <stdexcept>
#include <string>
#include <utility>
#include <vector>

#include <libpq-fe.h>

#include "failure.h"

namespace leash::tool {

enum class PasswordPrompt { kWhenAsked, kNever, kAlways };

/// As the options of psql: unset means libpq's own defaults (PG* variables,
/// service file).
struct ConnectionOptions {
    std::optional<std::string> host;
    std::optional<std::string> port;
    std::optional<std::string> user;
    std::optional<std::string> dbname;    ///< a name, a conninfo string or a URI
    std::optional<std::string> database;  ///< instead of the database that dbname names
    std::optional<std::string> dsn;       ///< where nothing of the above says otherwise
    PasswordPrompt prompt = PasswordPrompt::kWhenAsked;
    /// Settings of the session, by name.
    std::vector<std::pair<std::string, std::string>> settings;
    /// A server that has not answered a statement for so long counts as lost.
    std::optional<double> patience_seconds;
};

using Parameter = std::optional<std::string>;

/// A statement with its values, which never become part of the text.
struct Query {
    std::string sql;
    std::vector<Parameter> parameters;
};

/// What the server says besides the message; empty where it says nothing.
struct ErrorDetails {
    std::string detail;
    std::string hint;
    std::string column;
};

/// The message, and as sentences behind it what else the server says.
std::string with_details(const std::string& message, const ErrorDetails& details);

/// The server refused a statement, or the connection broke (empty sqlstate).
class QueryError : public std::runtime_error {
public:
    QueryError(const std::string& message, std::string sqlstate, ErrorDetails details = {})
        : std::runtime_error(message),
          sqlstate_(std::move(sqlstate)),
          details_(std::move(details)) {}

    const std::string& sqlstate() const { return sqlstate_; }
    const ErrorDetails& details() const { return details_; }

private:
    std::string sqlstate_;
    ErrorDetails details_;
};

/// The server refused since every slot that this user could take is taken.
class ServerFull : public Failure {
public:
    ServerFull(const std::string& message, std::string host, std::string port, bool has_reserved)
        : Failure(message),
          host_(std::move(host)),
          port_(std::move(port)),
          has_reserved_(has_reserved) {}

    /// As PQhost() and PQport() have them.
    const std::string& host() const { return host_; }
    const std::string& port() const { return port_; }
    /// A superuser would still be let in.
    bool has_reserved() const { return has_reserved_; }

private:
    std::string host_;
    std::string port_;
    bool has_reserved_;
};

class Result {
public:
    explicit Result(PGresult* result) : result_(result) {}

    int rows() const { return PQntuples(result_.get()); }
    int columns() const { return PQnfields(result_.get()); }
    std::optional<std::string> value(int row, int column) const;

private:
    struct Clear {
        void operator()(PGresult* result) const { PQclear(result); }
    };
    std::unique_ptr<PGresult, Clear> result_;
};

class Connection {
public:
    /// Connects, asking for a password if need be, and empties the search path.
    /// Throws Failure, which is ServerFull when that is why.
    static Connection open(const ConnectionOptions& options);

    /// The same for another database, with the password that this one has used.
    Connection open_database(ConnectionOptions options, const std::string& database) const;

    /// Runs one statement.  Throws QueryError.
    Result run(const Query& query);
    Result run(const std::string& sql) { return run(Query{sql, {}}); }

    bool is_alive() const { return PQstatus(connection_.get()) == CONNECTION_OK; }
    std::string database() const { return PQdb(connection_.get()); }
    /// The one that was used; empty when none was.
    std::string password() const;
    std::string user() const { return PQuser(connection_.get()); }
    std::string host() const;
    std::string port() const { return PQport(connection_.get()); }

private:
    struct Finish {
        void operator()(PGconn* connection) const { PQfinish(connection); }
    };
    using Handle = std::unique_ptr<PGconn, Finish>;

    explicit Connection(Handle connection) : connection_(std::move(connection)) {}
    static Connection open(const ConnectionOptions& options, Parameter password);
    static Handle attempt(const ConnectionOptions& options, const Parameter& password);
    Result execute(const Query& query);
    void settle(const ConnectionOptions& options);

    Handle connection_;
    std::optional<double> patience_seconds_;
};

}  // namespace leash::tool
