// What a command has to show, before anybody decides how: named columns with a
// meaning, and rows of text as libpq delivers it.
#pragma once

#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <vector>

namespace leash::tool {

/// What a column holds.  It decides the SQL that fetches it, its key in JSON
/// and CSV, and how a table shows it.
enum class Kind {
    kText,      ///< a name, an identifier
    kQuery,     ///< statement text: white space is collapsed in tables
    kState,     ///< state of a session or kind of a leak; coloured, abbreviated in tables
    kStatus,    ///< 'ok', 'warning', 'problem', or an outcome; coloured
    kCount,     ///< an integer
    kReal,      ///< a number
    kDuration,  ///< an SQL interval; seconds in JSON and CSV, key NAME_seconds
    kInstant,   ///< an SQL timestamptz; ISO 8601 in UTC; an age in tables
    kBoolean,
    kJson,
    kAddress,  ///< an SQL inet
};

struct Column {
    const char* name;  ///< the SQL column
    Kind kind = Kind::kText;
    const char* header = nullptr;  ///< of the table; nullptr: not in the table
    int min_width = 0;             ///< may be shortened to this; 0: never shortened
    int drop_rank = 0;  ///< highest is left out first when the table is too wide; 0: never
    const char* expression = nullptr;  ///< SQL instead of the bare column
    bool table_only = false;           ///< made for people; absent from JSON and CSV
};

using Cell = std::optional<std::string>;
using Row = std::vector<Cell>;

struct Dataset {
    std::span<const Column> columns;
    std::vector<Row> rows;
};

/// Key of a column in JSON and CSV: the SQL name, with _seconds appended for
/// durations.
std::string output_key(const Column& column);

/// The cell of that SQL column in a row, or nullopt when it is NULL or there is
/// no such column.
Cell cell_of(const Dataset& data, const Row& row, std::string_view name);

}  // namespace leash::tool
