// The columns of each listing: what JSON and CSV carry, what a table shows.
#pragma once

#include <span>
#include <string_view>

#include "render/dataset.h"

namespace leash::tool {

enum class Listing {
    kSessions,
    kLeaks,
    kLeakGroups,
    kApplications,
    kSlow,
    kSlowSummary,
    kOrphans,
    kHistory,
    kConnections,
    kReapLog,
    kHealth
};

/// Columns of the listing, in order; the table leaves out those without a header.
/// Of a cause: the statement that opened the transaction or, where there is none, the one
/// that its sessions ran last.
inline constexpr const char* kCauseExpression = "COALESCE(opener, 'last: ' || last_statement)";

std::span<const Column> columns_of(Listing listing);

/// The column to sort by, by SQL name or output key; nullptr when there is none
/// of that name.
const Column* sort_column(Listing listing, std::string_view name);

/// SQL that yields the column in the form that the renderers expect.
std::string select_expression(const Column& column);

}  // namespace leash::tool
