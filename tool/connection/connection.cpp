#include "connection/connection.h"

#include <cstring>

#include <fmt/format.h>

#include "connection/connect.h"
#include "connection/connect_error.h"
#include "connection/patience.h"
#include "connection/prompt.h"
#include "failure.h"
#include "render/terminal.h"

namespace leash::tool {
namespace {

constexpr const char* kSecureSearchPath = "SELECT pg_catalog.set_config('search_path', '', false)";
constexpr const char* kSetting = "SELECT pg_catalog.set_config($1, $2, false)";

std::string field(const PGresult* result, int code) {
    const char* text = PQresultErrorField(result, code);
    return text == nullptr ? std::string() : std::string(text);
}

[[noreturn]] void fail_to_connect(const PGconn* connection) {
    const std::string_view text = PQerrorMessage(connection);
    const std::string message = explain_connect_error(text);
    const ConnectError error = parse_connect_error(text);
    if (connection != nullptr && is_server_full(error)) {
        const char* host = PQhost(connection);
        throw ServerFull(message, host == nullptr ? "" : host, PQport(connection),
                         error.function == "InitPostgres");
    }
    throw Failure(message);
}

ErrorDetails details_of(const PGresult* result) {
    return {field(result, PG_DIAG_MESSAGE_DETAIL), field(result, PG_DIAG_MESSAGE_HINT),
            field(result, PG_DIAG_COLUMN_NAME)};
}

void show_notice(void*, const PGresult* result) {
    const std::string message =
        with_details(field(result, PG_DIAG_MESSAGE_PRIMARY), details_of(result));
    if (field(result, PG_DIAG_SEVERITY_NONLOCALIZED) == "WARNING") {
        write_warning(message);
    } else {
        write_note(message);
    }
}

bool is_encoding_error(const std::string& sqlstate) {
    return sqlstate == "22021" || sqlstate == "22P05";
}

}  // namespace

std::string with_details(const std::string& message, const ErrorDetails& details) {
    std::string out = message;
    for (const std::string& more : {details.detail, details.hint}) {
        if (!more.empty()) {
            out += (out.ends_with('.') ? " " : ". ") + more;
        }
    }
    return out;
}

std::optional<std::string> Result::value(int row, int column) const {
    if (PQgetisnull(result_.get(), row, column) == 1) {
        return std::nullopt;
    }
    return std::string(PQgetvalue(result_.get(), row, column),
                       static_cast<std::size_t>(PQgetlength(result_.get(), row, column)));
}

Connection::Handle Connection::attempt(const ConnectionOptions& options,
                                       const Parameter& password) {
    const auto text = [](const Parameter& parameter) {
        return parameter ? parameter->c_str() : nullptr;
    };
    // The order is psql's: what a connection string in dbname says overrides
    // what stands before it.  libpq looks into the first dbname alone, but dsn is
    // there only where no other one is given.
    const char* const keywords[] = {options.dsn ? "dbname" : "host",
                                    "host",
                                    "port",
                                    "user",
                                    "password",
                                    "dbname",
                                    "fallback_application_name",
                                    "client_encoding",
                                    options.database ? "dbname" : nullptr,
                                    nullptr};
    const char* const values[] = {text(options.dsn ? options.dsn : options.host),
                                  text(options.host),
                                  text(options.port),
                                  text(options.user),
                                  text(password),
                                  text(options.dbname),
                                  "pgleash",
                                  "UTF8",
                                  text(options.database),
                                  nullptr};
    bool timed_out = false;
    Handle handle(connect_verbosely(keywords, values, timed_out));
    if (timed_out) {
        throw Failure(
            fmt::format("connection to server at \"{}\", port {} failed: timeout expired; "
                        "check that the server runs there (-h, -p)",
                        PQhost(handle.get()), PQport(handle.get())));
    }
    return handle;
}

Connection Connection::open(const ConnectionOptions& options) {
    Parameter password;
    if (options.prompt == PasswordPrompt::kAlways) {
        password = prompt_password("Password: ");
    }
    return open(options, password);
}

Connection Connection::open_database(ConnectionOptions options, const std::string& database) const {
    options.database = database;
    const std::string used = password();
    return open(options, used.empty() ? Parameter() : Parameter(used));
}

Connection Connection::open(const ConnectionOptions& options, Parameter password) {
    Handle handle = attempt(options, password);
    if (handle == nullptr) {
        throw Failure("out of memory");
    }
    const bool asked = PQstatus(handle.get()) == CONNECTION_BAD &&
                       PQconnectionNeedsPassword(handle.get()) == 1 && !password &&
                       options.prompt != PasswordPrompt::kNever;
    if (asked) {
        password = prompt_password(fmt::format("Password for user {}: ", PQuser(handle.get())));
        handle = attempt(options, password);
    }
    if (handle == nullptr || PQstatus(handle.get()) != CONNECTION_OK) {
        fail_to_connect(handle.get());
    }
    Connection connection(std::move(handle));
    try {
        connection.settle(options);
    } catch (const QueryError& error) {
        throw Failure(fmt::format("could not set up the connection: {}", error.what()));
    }
    return connection;
}

// Before anything else: no object that somebody put into a schema of the search
// path may be called in place of ours.
void Connection::settle(const ConnectionOptions& options) {
    patience_seconds_ = options.patience_seconds;
    PQsetNoticeReceiver(connection_.get(), show_notice, nullptr);
    // A database without an encoding cannot be converted from: its bytes are
    // taken as they are, and escaped where they are no UTF-8.
    const char* server_encoding = PQparameterStatus(connection_.get(), "server_encoding");
    if (server_encoding != nullptr && std::strcmp(server_encoding, "SQL_ASCII") == 0) {
        PQsetClientEncoding(connection_.get(), "SQL_ASCII");
    }
    run(kSecureSearchPath);
    for (const auto& [name, value] : options.settings) {
        run(Query{kSetting, {name, value}});
    }
}

std::string Connection::password() const {
    const char* password = PQpass(connection_.get());
    return password == nullptr ? std::string() : std::string(password);
}

std::string Connection::host() const {
    const char* host = PQhost(connection_.get());
    return host == nullptr ? std::string() : std::string(host);
}

Result Connection::run(const Query& query) {
    try {
        return execute(query);
    } catch (const QueryError& error) {
        // Some other session's text has bytes that cannot be converted.  One
        // such session must not blind us to all others.
        if (!is_encoding_error(error.sqlstate()) || !is_alive() ||
            PQclientEncoding(connection_.get()) == 0) {
            throw;
        }
    }
    PQsetClientEncoding(connection_.get(), "SQL_ASCII");
    return execute(query);
}

Result Connection::execute(const Query& query) {
    std::vector<const char*> values;
    for (const Parameter& parameter : query.parameters) {
        values.push_back(parameter ? parameter->c_str() : nullptr);
    }
    const int count = static_cast<int>(values.size());
    PGresult* raw = patience_seconds_ ? run_patiently(connection_.get(), query.sql.c_str(), count,
                                                      values.data(), *patience_seconds_)
                                      : PQexecParams(connection_.get(), query.sql.c_str(), count,
                                                     nullptr, values.data(), nullptr, nullptr, 0);
    Result result(raw);
    const ExecStatusType status = PQresultStatus(raw);
    if (status == PGRES_TUPLES_OK || status == PGRES_COMMAND_OK) {
        return result;
    }
    std::string message = field(raw, PG_DIAG_MESSAGE_PRIMARY);
    if (message.empty()) {
        message = first_line(PQerrorMessage(connection_.get()));
    }
    throw QueryError(message, field(raw, PG_DIAG_SQLSTATE), details_of(raw));
}

}  // namespace leash::tool
