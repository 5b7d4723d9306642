#pragma once

#include "source/source.h"

namespace leash::tool {

/// The views and functions of schema leash.
class SqlSource : public Source {
public:
    explicit SqlSource(Connection connection) : connection_(std::move(connection)) {}

    ServerInfo server() override;
    Dataset rows(const Selection& selection) override;
    std::string terminate(const std::string& session_id, const std::optional<std::string>& reason,
                          bool force) override;
    std::string cancel(const std::string& session_id,
                       const std::optional<std::string>& reason) override;
    Dataset reap(bool dry_run) override;
    Connection& connection() override { return connection_; }
    Failure explain(const QueryError& error, Purpose purpose) override;

private:
    Connection connection_;
    ServerInfo server_;
};

/// Runs a statement and keeps its rows; the statement's columns are `columns`, in order.
Dataset fetch(Connection& connection, std::span<const Column> columns, const Query& query);

}  // namespace leash::tool
