#include "health/read.h"

#include <cmath>

#include <fmt/format.h>

namespace leash::tool {
namespace {

// A transaction failed: it cannot go on.
constexpr const char* kInFailedTransaction = "25P02";

// The server must not go on with what nobody waits for.  In a transaction, so that no
// pooler hands the setting on to somebody else.
void begin_limited(Connection& connection, double seconds) {
    connection.run("BEGIN");
    connection.run(Query{"SELECT pg_catalog.set_config('statement_timeout', $1, true)",
                         {fmt::format("{:.0f}", std::ceil(seconds * 1000))}});
}

Dataset read_rows(Source& source, double seconds) {
    const Selection selection{.listing = Listing::kHealth};
    begin_limited(source.connection(), seconds);
    try {
        Dataset rows = source.rows(selection);
        source.connection().run("ROLLBACK");
        return rows;
    } catch (const QueryError& error) {
        if (source.connection().is_alive()) {
            source.connection().run("ROLLBACK");
        }
        if (error.sqlstate() != kInFailedTransaction) {
            throw;
        }
    }
    return source.rows(selection);  // some text had to be asked for in another encoding
}

}  // namespace

std::vector<Check> read_checks(Source& source, const ServerInfo& server, double seconds) {
    return checks_of(server.over_control_socket ? source.rows({.listing = Listing::kHealth})
                                                : read_rows(source, seconds));
}

}  // namespace leash::tool
