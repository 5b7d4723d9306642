// What a sample of sessions is in the rows of the extension's views.  Columns that nobody
// can know are left out, and so are NULL.
#pragma once

#include "agentless/sessions.h"
#include "source/selection.h"

namespace leash::tool {

RawRows session_rows(const PlainSample& sample);
RawRows leak_rows(const PlainSample& sample);
RawRows application_rows(const PlainSample& sample, const PlainSampler& sampler);
RawRows connection_rows(Connection& connection, const PlainSample& sample,
                        const PlainSampler& sampler);
RawRows health_rows(Connection& connection, const PlainSample& sample);
RawRows orphan_rows(Connection& connection);
/// From pg_stat_statements.  Throws Failure when this database does not have it.
RawRows slow_summary_rows(Connection& connection);

/// Any statement, by the names of its columns.
RawRows rows_of(Connection& connection, std::vector<std::string> columns, const std::string& sql);

}  // namespace leash::tool
