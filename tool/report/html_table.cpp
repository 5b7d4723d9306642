#include "report/html_table.h"

#include <algorithm>

#include <fmt/format.h>

namespace leash::tool {
namespace {

constexpr std::size_t kMostCharacters = 400;

}  // namespace

Html text(const std::string& words) {
    Html out;
    out << words;
    return out;
}

Html aside(const std::string& words) {
    Html out;
    out << "<small>" << words << "</small>";
    return out;
}

Html statement(const std::string& query) {
    Html out;
    if (!query.empty()) {
        out << "<code>" << cut(query, kMostCharacters) << "</code>";
    }
    return out;
}

Html table_of(const std::string& label, const TableRows& table, const std::string& rest) {
    Html out;
    out << R"(<div class="scroll" tabindex="0" role="region" aria-label=")" << label
        << (table.columns.size() < 3 ? Markup(R"("><table class="narrow"><thead><tr>)")
                                     : Markup(R"("><table><thead><tr>)"));
    for (const TableColumn& column : table.columns) {
        out << (column.number ? Markup(R"(<th scope="col" class="n">)")
                              : Markup(R"(<th scope="col">)"))
            << column.name << "</th>";
    }
    out << "</tr></thead><tbody>";
    const std::size_t shown = std::min(table.rows.size(), kMostRows);
    for (std::size_t r = 0; r < shown; ++r) {
        out << "<tr>";
        for (std::size_t c = 0; c < table.rows[r].size(); ++c) {
            const TableColumn& column = table.columns[c];
            out << (c == 0          ? Markup(R"(<th scope="row">)")
                    : column.number ? Markup(R"(<td class="n">)")
                    : column.time   ? Markup(R"(<td class="time">)")
                                    : Markup("<td>"))
                << table.rows[r][c] << (c == 0 ? Markup("</th>") : Markup("</td>"));
        }
        out << "</tr>";
    }
    out << "</tbody></table></div>";
    if (table.rows.size() > shown) {
        out << R"(<p class="note">)"
            << fmt::format("and {} more: {}", table.rows.size() - shown, rest) << "</p>";
    }
    return out;
}

Html bar(const std::vector<BarPart>& parts, double whole) {
    Html out;
    out << R"(<svg class="bar" width="100%" height="14" aria-hidden="true">)";
    double begin = 0;
    for (const BarPart& part : parts) {
        const double share = whole > 0 ? std::clamp(part.amount / whole, 0.0, 1.0 - begin) : 0;
        if (share > 0) {
            out << R"(<rect class="area )" << part.css << R"(" height="14" x=")"
                << fmt::format("{:.2f}%", begin * 100) << R"(" width=")"
                << fmt::format("{:.2f}%", share * 100) << R"("/>)";
        }
        begin += share;
    }
    out << "</svg>";
    return out;
}

}  // namespace leash::tool
