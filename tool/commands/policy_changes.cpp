#include "commands/policy_changes.h"

#include <fmt/format.h>

#include "policy/toml.h"
#include "render/csv.h"
#include "render/json.h"
#include "render/text.h"

namespace leash::tool {
namespace {

// One row for each column that changes.
constexpr Column kChanges[] = {
    {.name = "change"}, {.name = "policy"}, {.name = "column"}, {.name = "old"}, {.name = "new"},
};

class Picture {
public:
    explicit Picture(const Context& context) : context_(context) {}

    std::string text(std::span<const PolicyChange> changes) {
        for (const PolicyChange& change : changes) {
            add(change);
        }
        return std::move(out_);
    }

private:
    std::string shown(const std::string& text) const {
        return printable(text, {.ascii_only = context_.terminal.ascii_only});
    }

    void head(char sign, Paint paint, const std::string& name, const char* more) {
        const std::string line = fmt::format("{} {}{}", sign, shown(name), more);
        out_ += (context_.terminal.color ? painted(line, paint) : line) + "\n";
    }

    void add(const PolicyChange& change) {
        switch (change.kind) {
            case ChangeKind::kAdded:
                head('+', Paint::kGood, change.row.name, "");
                add_row(change.row);
                break;
            case ChangeKind::kChanged:
                head('~', Paint::kWaiting, change.row.name, "");
                for (const ColumnChange& column : change.columns) {
                    add_column(column);
                }
                break;
            case ChangeKind::kRemoved:
                head('-', Paint::kBad, change.row.name,
                     context_.options.prune ? "" : "  (not in the file; --prune removes it)");
                break;
        }
    }

    void add_row(const PolicyRow& row) {
        for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
            if (!is_fallback(i, row.values[i])) {
                out_ += fmt::format("    {} = {}\n", policy_columns()[i].name,
                                    shown(toml_value(row.values[i])));
            }
        }
    }

    // On one line where it fits, so that old and new can be compared.
    void add_column(const ColumnChange& column) {
        const std::string name = policy_columns()[column.column].name;
        const std::string before = shown(toml_value(column.before));
        const std::string after = shown(toml_value(column.after));
        const std::string line = fmt::format("    {}: {} -> {}", name, before, after);
        const std::size_t width = context_.terminal.width;
        out_ += width == 0 || display_width(line) <= width
                    ? line + "\n"
                    : fmt::format("    {}:\n      - {}\n      + {}\n", name, before, after);
    }

    const Context& context_;
    std::string out_;
};

struct JsonWriter {
    nlohmann::ordered_json operator()(std::monostate) const { return nullptr; }
    nlohmann::ordered_json operator()(Microseconds us) const {
        return static_cast<double>(us.value) / 1e6;
    }
    nlohmann::ordered_json operator()(const auto& plain) const { return plain; }
};

nlohmann::ordered_json json_value(const PolicyValue& value) {
    return std::visit(JsonWriter{}, value);
}

std::string json_key(const PolicyColumn& column) {
    return std::string(column.name) + (column.type == PolicyType::kDuration ? "_seconds" : "");
}

// The columns that a change is about, with what they were and will be.
std::vector<ColumnChange> columns_of_change(const PolicyChange& change) {
    if (change.kind != ChangeKind::kAdded) {
        return change.columns;
    }
    std::vector<ColumnChange> columns;
    for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
        if (!is_fallback(i, change.row.values[i])) {
            columns.push_back({i, {}, change.row.values[i]});
        }
    }
    return columns;
}

nlohmann::ordered_json changes_json(std::span<const PolicyChange> changes) {
    nlohmann::ordered_json list = nlohmann::ordered_json::array();
    for (const PolicyChange& change : changes) {
        nlohmann::ordered_json columns = nlohmann::ordered_json::object();
        for (const ColumnChange& column : columns_of_change(change)) {
            columns[json_key(policy_columns()[column.column])] = {
                {"old", json_value(column.before)}, {"new", json_value(column.after)}};
        }
        list.push_back({{"change", change_word(change.kind)},
                        {"policy", change.row.name},
                        {"columns", columns}});
    }
    return list;
}

Dataset changes_dataset(std::span<const PolicyChange> changes) {
    Dataset data{kChanges, {}};
    for (const PolicyChange& change : changes) {
        const std::string word = change_word(change.kind);
        if (change.kind == ChangeKind::kRemoved) {
            data.rows.push_back({word, change.row.name, std::nullopt, std::nullopt, std::nullopt});
        }
        for (const ColumnChange& column : columns_of_change(change)) {
            data.rows.push_back({word, change.row.name, policy_columns()[column.column].name,
                                 sql_text(column.before), sql_text(column.after)});
        }
    }
    return data;
}

}  // namespace

std::string render_changes(Context& context, const char* command,
                           std::span<const PolicyChange> changes, bool applied) {
    switch (context.options.format) {
        case Format::kJson: {
            nlohmann::ordered_json document = json_head(context, command);
            document["file"] = context.options.file;
            document["changes"] = changes_json(changes);
            if (context.options.command == Command::kPolicyApply) {
                document["applied"] = applied;
            }
            return json_text(document, false);
        }
        case Format::kCsv:
            return render_csv(changes_dataset(changes), context.terminal.is_terminal);
        case Format::kTable:
            break;
    }
    return Picture(context).text(changes);
}

}  // namespace leash::tool
