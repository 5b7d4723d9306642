// What loads need of libpq.
#pragma once

#include <libpq-fe.h>

#include <cstdio>
#include <cstdlib>
#include <memory>
#include <string>

namespace load {

struct ConnectionCloser {
    void operator()(PGconn* connection) const { PQfinish(connection); }
};
struct ResultClearer {
    void operator()(PGresult* result) const { PQclear(result); }
};
using Connection = std::unique_ptr<PGconn, ConnectionCloser>;
using Result = std::unique_ptr<PGresult, ResultClearer>;

[[noreturn]] inline void fail(const char* what, const char* message) {
    std::fprintf(stderr, "load: %s: %s\n", what, message);
    std::_Exit(1);
}

inline bool worked(const PGresult* result) {
    const ExecStatusType status = PQresultStatus(result);
    return status == PGRES_COMMAND_OK || status == PGRES_TUPLES_OK;
}

inline void ignore(void*, const char*) {}

// Not connected when there is no slot.
inline Connection try_connect(const char* application, const char* role) {
    const char* const keywords[] = {"application_name", "user", nullptr};
    const char* const values[] = {application, role, nullptr};
    Connection connection(PQconnectdbParams(keywords, values, 0));
    PQsetNoticeProcessor(connection.get(), ignore, nullptr);
    return connection;
}

inline bool is_connected(const Connection& connection) {
    return PQstatus(connection.get()) == CONNECTION_OK;
}

inline Connection connect(const char* application, const char* role) {
    Connection connection = try_connect(application, role);
    if (!is_connected(connection)) {
        fail("connect", PQerrorMessage(connection.get()));
    }
    return connection;
}

inline Result must(PGconn* connection, const std::string& sql) {
    Result result(PQexec(connection, sql.c_str()));
    if (!worked(result.get())) {
        fail(sql.c_str(), PQerrorMessage(connection));
    }
    return result;
}

inline long number(const Result& result, int column = 0) {
    return std::atol(PQgetvalue(result.get(), 0, column));
}

}  // namespace load
