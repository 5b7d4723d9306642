// What a server does with SQL, done here: rows that came over the worker's socket are
// filtered, grouped, sorted and cut to the columns that are wanted.
#pragma once

#include <string>
#include <string_view>
#include <vector>

#include "commands/filters.h"
#include "render/dataset.h"

namespace leash::tool {

/// All columns of a view, by their SQL names; cells as select_expression() makes them.
struct RawRows {
    std::vector<std::string> columns;
    std::vector<Row> rows;
};

/// The rows of a selection, as listing_query() would have a server choose them.
/// --min-idle on leaks needs the idle times of `sessions`, the rows of leash.sessions.
Dataset select_rows(const RawRows& raw, const Selection& selection, const RawRows& sessions);

/// Whether that is so.
bool needs_sessions(const Selection& selection);

/// Whether a text matches a glob as like_pattern() has it matched.
bool matches_glob(std::string_view glob, std::string_view text);

/// Whether an address, as host() prints it, lies in the network of --addr.
bool lies_in(const std::string& address, const std::string& network);

}  // namespace leash::tool
