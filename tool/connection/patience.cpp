#include "connection/patience.h"

#include <algorithm>
#include <cerrno>
#include <chrono>

#include <poll.h>
#include <sys/socket.h>

#include <fmt/format.h>

#include "connection/connection.h"

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;

// Waits until the socket is ready; false when the time is over.
bool wait_for(const PGconn* connection, bool writing, Clock::time_point until) {
    while (true) {
        const auto left = std::chrono::ceil<std::chrono::milliseconds>(until - Clock::now());
        if (left.count() <= 0) {
            return false;
        }
        pollfd socket{.fd = PQsocket(connection),
                      .events = static_cast<short>(writing ? POLLIN | POLLOUT : POLLIN),
                      .revents = 0};
        const int ready = poll(&socket, 1, static_cast<int>(std::min<long>(left.count(), 60'000)));
        // What is wrong with the socket libpq finds out.
        if (ready > 0 || (ready < 0 && errno != EINTR)) {
            return true;
        }
    }
}

[[noreturn]] void break_off(PGconn* connection, double seconds) {
    // libpq then sees the end of the connection by itself, and says that it is bad.
    shutdown(PQsocket(connection), SHUT_RDWR);
    while (PGresult* result = PQgetResult(connection)) {
        PQclear(result);
    }
    throw QueryError(fmt::format("the server has not answered for {:g} s", seconds), "");
}

// Sends what is to be sent, and has the answer complete.
void await_answer(PGconn* connection, double seconds) {
    const auto until = Clock::now() + std::chrono::duration_cast<Clock::duration>(
                                          std::chrono::duration<double>(seconds));
    int unsent = PQflush(connection);
    while (unsent == 1 || (PQconsumeInput(connection) == 1 && PQisBusy(connection) == 1)) {
        if (!wait_for(connection, unsent == 1, until)) {
            break_off(connection, seconds);
        }
        // The server may wait for its answer to be read before it reads on.
        if (unsent == 1 && PQconsumeInput(connection) == 1) {
            unsent = PQflush(connection);
        } else {
            unsent = 0;
        }
    }
}

}  // namespace

PGresult* run_patiently(PGconn* connection, const char* sql, int parameters,
                        const char* const* values, double seconds) {
    PQsetnonblocking(connection, 1);
    PGresult* first = nullptr;
    if (PQsendQueryParams(connection, sql, parameters, nullptr, values, nullptr, nullptr, 0) == 1) {
        await_answer(connection, seconds);
        first = PQgetResult(connection);
        // A second one can but tell that the connection broke after that.
        while (PGresult* result = PQgetResult(connection)) {
            PQclear(result);
        }
    }
    PQsetnonblocking(connection, 0);
    return first;
}

}  // namespace leash::tool
