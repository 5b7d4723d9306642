// policy diff and apply.
#include <algorithm>

#include <fmt/format.h>

#include "commands/confirm.h"
#include "commands/policy.h"
#include "policy/store.h"
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

struct Comparison {
    std::span<const FilePolicy> file;
    std::vector<PolicyChange> changes;
};

Comparison compare(Context& context, std::span<const FilePolicy> file) {
    return {file, diff_policies(read_policies(context.source.connection()), rows_of(file))};
}

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

std::string counted(std::span<const PolicyChange> changes) {
    std::string out;
    for (const ChangeKind kind : {ChangeKind::kAdded, ChangeKind::kChanged, ChangeKind::kRemoved}) {
        const auto count = std::count_if(changes.begin(), changes.end(),
                                         [&](const PolicyChange& c) { return c.kind == kind; });
        if (count > 0) {
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, change_word(kind));
        }
    }
    return out;
}

// Rolls back unless it was committed.
class Transaction {
public:
    explicit Transaction(Connection& connection) : connection_(connection) {
        connection_.run("BEGIN");
    }
    ~Transaction() {
        try {
            if (open_ && connection_.is_alive()) {
                connection_.run("ROLLBACK");
            }
        } catch (const std::exception&) {
            // The server rolls back when the connection ends.
        }
    }
    Transaction(const Transaction&) = delete;
    Transaction& operator=(const Transaction&) = delete;

    void commit() {
        connection_.run("COMMIT");
        open_ = false;
    }

private:
    Connection& connection_;
    bool open_ = true;
};

bool is_refused_row(const QueryError& error) {
    return error.sqlstate().starts_with("22") || error.sqlstate().starts_with("23");
}

// The server's objection, at the place of the file that it is about.
Failure locate(const QueryError& error, const PolicyChange& change, const Comparison& comparison,
               const std::string& file_name) {
    const std::string message =
        "nothing was applied: " + with_details(error.what(), error.details());
    const auto found =
        std::find_if(comparison.file.begin(), comparison.file.end(),
                     [&](const FilePolicy& policy) { return policy.row.name == change.row.name; });
    if (found == comparison.file.end()) {
        return Failure(message);
    }
    FilePosition at = found->at;
    if (const std::size_t column = policy_column(error.details().column);
        column < kPolicyColumnCount && found->values_at[column].line != 0) {
        at = found->values_at[column];
    }
    return Failure(describe_problem(file_name, {at, "", message}));
}

void write_changes(Context& context, const Comparison& comparison,
                   std::span<const PolicyChange> changes) {
    Connection& connection = context.source.connection();
    Transaction transaction(connection);
    connection.run(kLockPolicies);
    const auto now = diff_policies(read_policies(connection), rows_of(comparison.file));
    if (now != comparison.changes) {
        throw Failure(
            "somebody else changed the policies meanwhile; nothing was applied: run it "
            "again");
    }
    for (const PolicyChange& change : changes) {
        try {
            connection.run(change_query(change));
        } catch (const QueryError& error) {
            if (is_refused_row(error)) {
                throw locate(error, change, comparison, context.options.file);
            }
            throw;
        }
    }
    transaction.commit();
}

// Removals come first, as somebody may have renamed a policy.
std::vector<PolicyChange> changes_to_make(const std::vector<PolicyChange>& changes, bool prune) {
    std::vector<PolicyChange> out;
    for (const PolicyChange& change : changes) {
        if (change.kind != ChangeKind::kRemoved) {
            out.push_back(change);
        } else if (prune) {
            out.insert(out.begin(), change);
        }
    }
    return out;
}

bool is_agreed(const Context& context, std::span<const PolicyChange> changes) {
    return context.options.yes || !can_ask() ||
           confirm(fmt::format("apply to database \"{}\" at {}:{} ({})?", context.server.database,
                               context.server.host, context.server.port, counted(changes)));
}

}  // namespace

int run_policy_diff(Context& context, std::span<const FilePolicy> file) {
    const Comparison comparison = compare(context, file);
    write_output(render_changes(context, "policy diff", comparison.changes, false));
    write_note(comparison.changes.empty() ? "no difference"
                                          : "difference: " + counted(comparison.changes));
    return context.options.exit_code && !comparison.changes.empty() ? kExitSomethingToDo
                                                                    : kExitDone;
}

int run_policy_apply(Context& context, std::span<const FilePolicy> file) {
    const Comparison comparison = compare(context, file);
    const std::vector<PolicyChange> changes =
        changes_to_make(comparison.changes, context.options.prune);
    const bool as_text = context.options.format == Format::kTable;
    const auto show = [&](bool applied) {
        write_output(render_changes(context, "policy apply", comparison.changes, applied));
    };
    if (as_text || changes.empty() || context.options.dry_run) {
        show(false);
    }
    if (changes.empty()) {
        write_note("no changes: nothing to apply");
        return kExitDone;
    }
    if (context.options.dry_run) {
        write_note(fmt::format("dry run, nothing was applied: {}", counted(changes)));
        return kExitDone;
    }
    if (!is_agreed(context, changes)) {
        write_note("nothing was applied");
        return kExitFailure;
    }
    write_changes(context, comparison, changes);
    if (!as_text) {
        show(true);
    }
    write_note(
        fmt::format("applied to database \"{}\": {}", context.server.database, counted(changes)));
    return kExitDone;
}

}  // namespace leash::tool
