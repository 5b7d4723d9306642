// terminate and cancel: each session by its id, through the function that
// claims it first.
#include <algorithm>

#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/filters.h"
#include "commands/node_clients.h"
#include "core/session_id.h"

namespace leash::tool {
namespace {

constexpr Column kName[] = {
    {.name = "session_id"},
    {.name = "usename"},
    {.name = "application_name"},
};

constexpr Column kOutcomeColumns[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "pid", .kind = Kind::kCount, .header = "PID"},
    {.name = "outcome", .kind = Kind::kStatus, .header = "OUTCOME"},
};

constexpr Column kLeakedOutcomeColumns[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "pid", .kind = Kind::kCount, .header = "PID"},
    {.name = "application_name", .header = "APPLICATION", .min_width = 11},
    {.name = "kind", .kind = Kind::kState, .header = "KIND"},
    {.name = "outcome", .kind = Kind::kStatus, .header = "OUTCOME"},
};

std::string act_on(Context& context, const std::string& session_id) {
    const Options& options = context.options;
    return options.command == Command::kCancel
               ? context.source.cancel(session_id, options.reason)
               : context.source.terminate(session_id, options.reason, options.force);
}

std::string pid_of(const std::string& session_id) {
    SessionId id{};
    parse_session_id(session_id.c_str(), id);
    return std::to_string(id.pid);
}

Cell resolve(Context& context, std::int32_t pid) {
    Selection selection{.listing = Listing::kSessions, .columns = kName};
    selection.filters.pid = pid;
    const Dataset found = context.source.rows(selection);
    if (found.rows.empty()) {
        write_note(fmt::format("pid {} is no client session", pid));
        return std::nullopt;
    }
    const Row& session = found.rows.front();
    write_note(fmt::format("pid {} is session {} (user {}, application \"{}\")", pid,
                           session[0].value_or("?"), session[1].value_or("?"),
                           session[2].value_or("")));
    return session[0];
}

// Whoever may not read may still act: then nothing is said.
bool is_node_client(Context& context, const std::string& session_id) {
    Selection selection{.listing = Listing::kSessions, .columns = kName};
    SessionId id{};
    parse_session_id(session_id.c_str(), id);
    selection.filters.pid = id.pid;
    try {
        const Dataset found = context.source.rows(selection);
        return !found.rows.empty() && found.rows.front()[0] == session_id &&
               may_be_node(found.rows.front()[2].value_or(""));
    } catch (const QueryError&) {
        return false;
    }
}

bool contains(const Dataset& data, const std::string& session_id) {
    return std::any_of(data.rows.begin(), data.rows.end(),
                       [&](const Row& row) { return row[0] == session_id; });
}

bool was_done(const std::string& outcome) {
    return outcome == "ended" || outcome == "cancelled";
}

// Nothing is left to do about a leak that went away or came back to life.
bool is_no_leak_any_more(const std::string& outcome) {
    return was_done(outcome) || outcome == "gone" || outcome == "spared: woke up";
}

const char* command_name(const Options& options) {
    return options.command == Command::kCancel ? "cancel" : "terminate";
}

}  // namespace

int run_act(Context& context) {
    Dataset outcomes{kOutcomeColumns, {}};
    int status = kExitDone;
    const auto report = [&](Cell session_id, std::string pid, const std::string& outcome) {
        outcomes.rows.push_back({std::move(session_id), std::move(pid), outcome});
        if (!was_done(outcome)) {
            status = kExitFailure;
        }
    };
    try {
        for (const Target& target : context.options.targets) {
            const Cell session_id =
                target.pid ? resolve(context, *target.pid) : Cell(target.session_id);
            if (!session_id) {
                report(std::nullopt, std::to_string(*target.pid), "gone");
            } else if (!contains(outcomes, *session_id)) {
                if (context.options.command == Command::kTerminate) {
                    warn_of_node_clients(is_node_client(context, *session_id) ? 1 : 0);
                }
                report(session_id, pid_of(*session_id), act_on(context, *session_id));
            }
        }
    } catch (const QueryError&) {
        // What was done before the refusal must not go unsaid.
        if (!outcomes.rows.empty()) {
            write_output(render(context, command_name(context.options), outcomes));
        }
        throw;
    }
    write_output(render(context, command_name(context.options), outcomes));
    return status;
}

int run_terminate_leaked(Context& context) {
    const Dataset leaks = context.source.rows(
        {.listing = Listing::kLeaks, .filters = context.options.filters, .only_leaked = true});
    const std::size_t count = leaks.rows.size();
    const std::string sessions = fmt::format("{} session{}", count, count == 1 ? "" : "s");
    if (!context.options.yes) {
        write_output(render(context, "terminate", leaks));
        write_note(count == 0 ? "no leaked sessions: nothing to end"
                              : fmt::format("dry run, nothing was ended; add --yes to end {}",
                                            count == 1 ? "this session" : "these " + sessions));
        return kExitDone;
    }
    if (count > 0) {
        TableStyle style = table_style(context);
        style.color = false;
        write_progress(render_table(leaks, style));
        warn_of_node_clients(static_cast<std::size_t>(
            std::count_if(leaks.rows.begin(), leaks.rows.end(), [&](const Row& leak) {
                return may_be_node(cell_of(leaks, leak, "application_name").value_or(""));
            })));
        write_note(fmt::format("ending {}", sessions));
    }
    Dataset outcomes{kLeakedOutcomeColumns, {}};
    int status = kExitDone;
    try {
        for (const Row& leak : leaks.rows) {
            const std::string session_id = cell_of(leaks, leak, "session_id").value_or("");
            const std::string outcome = act_on(context, session_id);
            outcomes.rows.push_back({session_id, cell_of(leaks, leak, "pid"),
                                     cell_of(leaks, leak, "application_name"),
                                     cell_of(leaks, leak, "kind"), outcome});
            if (!is_no_leak_any_more(outcome)) {
                status = kExitFailure;
            }
        }
    } catch (const QueryError&) {
        if (!outcomes.rows.empty()) {
            write_output(render(context, "terminate", outcomes));
        }
        throw;
    }
    write_output(render(context, "terminate", outcomes));
    if (count == 0) {
        write_note("no leaked sessions: nothing to end");
    }
    return status;
}

}  // namespace leash::tool
