#include "connection/connect.h"

#include <algorithm>
#include <cerrno>
#include <chrono>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <optional>
#include <string>

#include <poll.h>

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;

struct FreeConninfo {
    void operator()(PQconninfoOption* options) const { PQconninfoFree(options); }
};

// The value of a connection option, however it was given; empty when unset.
std::string option_value(PGconn* connection, const char* keyword) {
    const std::unique_ptr<PQconninfoOption, FreeConninfo> options(PQconninfo(connection));
    for (const PQconninfoOption* option = options.get();
         option != nullptr && option->keyword != nullptr; ++option) {
        if (std::strcmp(option->keyword, keyword) == 0 && option->val != nullptr) {
            return option->val;
        }
    }
    return {};
}

// As libpq reads it: none for zero, and never below 2 seconds.
std::optional<std::chrono::seconds> connect_timeout(PGconn* connection) {
    const long seconds =
        std::strtol(option_value(connection, "connect_timeout").c_str(), nullptr, 10);
    if (seconds <= 0) {
        return std::nullopt;
    }
    return std::chrono::seconds(std::max(seconds, 2L));
}

bool has_several_hosts(PGconn* connection) {
    return option_value(connection, "host").find(',') != std::string::npos ||
           option_value(connection, "hostaddr").find(',') != std::string::npos;
}

// Waits until the socket is ready; false when the time is over.
bool wait_for(PGconn* connection, PostgresPollingStatusType wanted,
              std::optional<Clock::time_point> deadline) {
    while (true) {
        int milliseconds = -1;
        if (deadline) {
            const auto left =
                std::chrono::ceil<std::chrono::milliseconds>(*deadline - Clock::now()).count();
            if (left <= 0) {
                return false;
            }
            milliseconds = static_cast<int>(std::min<long>(left, 60'000));
        }
        pollfd socket{
            .fd = PQsocket(connection),
            .events = static_cast<short>(wanted == PGRES_POLLING_READING ? POLLIN : POLLOUT),
            .revents = 0};
        const int ready = poll(&socket, 1, milliseconds);
        // Errors of the socket itself are left to PQconnectPoll, which knows
        // what to say.
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
    }
}

// Drives the connection to its end; false when connect_timeout ran out.
bool finish_connecting(PGconn* connection) {
    const auto timeout = connect_timeout(connection);
    std::optional<Clock::time_point> deadline;
    if (timeout) {
        deadline = Clock::now() + *timeout;
    }
    PostgresPollingStatusType wanted = PGRES_POLLING_WRITING;
    while (wanted == PGRES_POLLING_READING || wanted == PGRES_POLLING_WRITING) {
        if (!wait_for(connection, wanted, deadline)) {
            return false;
        }
        wanted = PQconnectPoll(connection);
    }
    return true;
}

}  // namespace

PGconn* connect_verbosely(const char* const* keywords, const char* const* values, bool& timed_out) {
    timed_out = false;
    PGconn* connection = PQconnectStartParams(keywords, values, 1);
    if (connection == nullptr || PQstatus(connection) == CONNECTION_BAD) {
        return connection;
    }
    // The verbosity can be set on a connection that exists only, which is why
    // this is not PQconnectdbParams.
    PQsetErrorVerbosity(connection, PQERRORS_VERBOSE);
    if (finish_connecting(connection)) {
        PQsetErrorVerbosity(connection, PQERRORS_DEFAULT);
        return connection;
    }
    if (!has_several_hosts(connection)) {
        timed_out = true;
        return connection;
    }
    // libpq alone can turn to the next host after a timeout.
    PQfinish(connection);
    return PQconnectdbParams(keywords, values, 1);
}

}  // namespace leash::tool
