// What a sample of sessions is in the rows of the extension's views.  Columns that nobody
// can know are left out, and so are NULL.
#pragma once

#include "agentless/sessions.h"
#include "source/selection.h"

namespace leash::tool {

/// What ordinary roles can take of the connections, and what is taken.
struct Slots {
    long limit = 0;
    long reserved = 0;
    long used = 0;

    long usable() const { return limit > reserved ? limit - reserved : 1; }
};
Slots read_slots(Connection& connection, const PlainSample& sample);

RawRows session_rows(const PlainSample& sample);
RawRows leak_rows(const PlainSample& sample);
RawRows application_rows(const PlainSample& sample, const PlainSampler& sampler);
RawRows connection_rows(const Slots& slots, const PlainSample& sample, const PlainSampler& sampler);
RawRows orphan_rows(Connection& connection);

/// Any statement, by the names of its columns.
RawRows rows_of(Connection& connection, std::vector<std::string> columns, const std::string& sql);

}  // namespace leash::tool
