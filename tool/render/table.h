// Aligned tables, without borders.
#pragma once

#include <cstdint>
#include <string>

#include "render/dataset.h"

namespace leash::tool {

struct TableStyle {
    std::size_t width = 0;  ///< of the terminal; 0: as wide as it takes
    bool color = false;
    bool ascii_only = false;  ///< the terminal shows nothing else
    std::int64_t now_us = 0;  ///< instants are shown as ages before this, microseconds since 1970
    std::string indent = {};
};

/// The rows under a line of headers.  When width is given, texts are shortened
/// and then columns left out until it fits; nothing is ever wrapped.  Without
/// rows the result is empty.
std::string render_table(const Dataset& data, const TableStyle& style);

/// What a table shows for one cell: escaped, durations and instants in words.
std::string table_cell(const Column& column, const Cell& cell, const TableStyle& style);

/// Seconds as the SQL side sends them ("12.345678") in words ("12s").
/// Unreadable text is returned as it is.
std::string duration_words(const std::string& seconds);

}  // namespace leash::tool
