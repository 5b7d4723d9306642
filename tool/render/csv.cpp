#include "render/csv.h"

#include "render/text.h"

namespace leash::tool {
namespace {

std::string csv_cell(const Column& column, const std::string& text, bool for_terminal) {
    if (column.kind == Kind::kBoolean) {
        return text == "t" ? "true" : "false";
    }
    return csv_field(for_terminal ? printable(text) : text);
}

}  // namespace

std::string csv_field(std::string_view text) {
    const bool quote = text.empty() || text.find_first_of(",\"\r\n") != std::string_view::npos ||
                       text.front() == ' ' || text.back() == ' ';
    if (!quote) {
        return std::string(text);
    }
    std::string out = "\"";
    for (const char c : text) {
        if (c == '"') {
            out += '"';
        }
        out += c;
    }
    out += '"';
    return out;
}

std::string render_csv(const Dataset& data, bool for_terminal) {
    std::string out;
    std::string_view separator;
    for (const Column& column : data.columns) {
        if (!column.table_only) {
            out += separator;
            out += output_key(column);
            separator = ",";
        }
    }
    out += '\n';
    for (const Row& row : data.rows) {
        separator = "";
        for (std::size_t i = 0; i < data.columns.size(); ++i) {
            if (data.columns[i].table_only) {
                continue;
            }
            out += separator;
            if (row[i]) {
                out += csv_cell(data.columns[i], *row[i], for_terminal);
            }
            separator = ",";
        }
        out += '\n';
    }
    return out;
}

}  // namespace leash::tool
