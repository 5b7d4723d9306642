// policy diff and apply.
#include <algorithm>

#include <fmt/format.h>

#include "commands/confirm.h"
#include "commands/policy.h"
#include "commands/policy_changes.h"
#include "policy/store.h"

namespace leash::tool {
namespace {

struct Comparison {
    std::span<const FilePolicy> file;
    std::vector<PolicyChange> changes;
};

Comparison compare(Context& context, std::span<const FilePolicy> file) {
    return {file, diff_policies(read_policies(context.source.connection()), rows_of(file))};
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
