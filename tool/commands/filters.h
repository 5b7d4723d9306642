// What narrows a listing, and the statement that fetches it.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "commands/columns.h"
#include "connection/connection.h"

namespace leash::tool {

struct Sort {
    const Column* column = nullptr;
    bool descending = false;
};

struct Filters {
    std::optional<std::string> app;      ///< a glob: * and ?, \ takes the next one literally
    std::optional<std::string> user;     ///< a role, exactly
    std::optional<std::string> db;       ///< a database, exactly
    std::optional<std::string> address;  ///< an address or network; "local": Unix sockets
    std::optional<std::string> state;    ///< as in pg_stat_activity
    std::optional<std::int32_t> pid;
    std::optional<std::int64_t> min_idle_us;
    std::optional<std::int64_t> min_duration_us;
    std::optional<std::string> policy;   ///< a glob
    std::optional<std::string> outcome;  ///< its first word: "spared" for "spared: woke up"
    std::optional<std::int64_t> since_us;
    std::optional<Sort> sort;
    std::optional<std::int64_t> limit;
};

/// The rows that somebody wants.
struct Selection {
    Listing listing;
    Filters filters = {};
    bool only_leaked = false;  ///< leave out the unused sessions that the leak views list as well
    std::span<const Column> columns = {};  ///< empty: those of the listing

    std::span<const Column> wanted() const {
        return columns.empty() ? columns_of(listing) : columns;
    }
};

/// The LIKE pattern of a glob.
std::string like_pattern(const std::string& glob);

/// The statement for a selection.  Whatever the user typed goes into parameters.
Query listing_query(const Selection& selection);

}  // namespace leash::tool
