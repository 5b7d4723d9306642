#include "source/sql_source.h"

namespace leash::tool {
namespace {

constexpr const char* kTerminate = "SELECT leash.terminate($1, $2, $3::pg_catalog.bool)";
constexpr const char* kCancel = "SELECT leash.cancel($1, $2)";
constexpr const char* kNoAnswer = "refused: no answer";

}  // namespace

Dataset fetch(Connection& connection, std::span<const Column> columns, const Query& query) {
    const Result result = connection.run(query);
    Dataset data{columns, {}};
    data.rows.reserve(static_cast<std::size_t>(result.rows()));
    for (int r = 0; r < result.rows(); ++r) {
        Row& row = data.rows.emplace_back();
        for (int c = 0; c < result.columns(); ++c) {
            row.push_back(result.value(r, c));
        }
    }
    return data;
}

ServerInfo SqlSource::server() {
    server_ = read_server_info(connection_);
    require_extension(server_);
    return server_;
}

Dataset SqlSource::rows(const Selection& selection) {
    return fetch(connection_, selection.wanted(), listing_query(selection));
}

std::string SqlSource::terminate(const std::string& session_id,
                                 const std::optional<std::string>& reason, bool force) {
    const Result result =
        connection_.run(Query{kTerminate, {session_id, reason, force ? "true" : "false"}});
    return result.value(0, 0).value_or(kNoAnswer);
}

std::string SqlSource::cancel(const std::string& session_id,
                              const std::optional<std::string>& reason) {
    return connection_.run(Query{kCancel, {session_id, reason}}).value(0, 0).value_or(kNoAnswer);
}

Dataset SqlSource::reap(bool dry_run) {
    const std::span<const Column> columns = columns_of(Listing::kReapLog);
    std::string list;
    for (const Column& column : columns) {
        list += (list.empty() ? "" : ", ") + select_expression(column);
    }
    return fetch(connection_, columns,
                 Query{"SELECT " + list + " FROM leash.reap($1::pg_catalog.bool)",
                       {dry_run ? "true" : "false"}});
}

Failure SqlSource::explain(const QueryError& error, Purpose purpose) {
    return explain_query_error(error, connection_, server_, purpose);
}

}  // namespace leash::tool
