// Whether an index is missing at all: the one that begins with some columns of a table.
#pragma once

#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "connection/connection.h"

namespace leash::tool {

struct ExistingIndex {
    std::string name;  ///< as SQL
    bool valid = true;
};

/// The names in a list of SQL identifiers, unquoted: `a, "B ""c"""` are a and B "c".
std::vector<std::string> split_identifiers(std::string_view list);

/// Of a table in the connection's database, given as SQL; columns are unquoted, their order
/// does not matter.
std::optional<ExistingIndex> find_index(Connection& connection, const std::string& table,
                                        const std::vector<std::string>& columns);

}  // namespace leash::tool
