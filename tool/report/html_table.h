// Tables of a report, and the bars in them.
#pragma once

#include <string>
#include <vector>

#include "report/html.h"

namespace leash::tool {

Html text(const std::string& words);

/// Dimmed, smaller.
Html aside(const std::string& words);

/// A statement, as code; cut to a length that a table can bear.
Html statement(const std::string& query);

struct TableColumn {
    std::string name;
    bool number = false;
    bool time = false;
};

/// Rows of as many cells as there are columns; the first names the row.
struct TableRows {
    std::vector<TableColumn> columns;
    std::vector<std::vector<Html>> rows = {};

    /// Fills a row: table.add(text("a"), text("b")).
    template <class... Cells>
    void add(const Cells&... cells) {
        rows.push_back({cells...});
    }
};

/// At most kMostRows of them; `rest` tells how to see the others ("pgleash apps").
inline constexpr std::size_t kMostRows = 40;
Html table_of(const std::string& label, const TableRows& table, const std::string& rest);

struct BarPart {
    double amount = 0;
    Markup css;
};

/// Parts beside each other, of a bar whose whole width stands for `whole`.
Html bar(const std::vector<BarPart>& parts, double whole);

}  // namespace leash::tool
