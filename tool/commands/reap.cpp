// reap: what the policies would do now and, with --yes, the doing.
#include <algorithm>
#include <map>

#include <fmt/format.h>

#include "commands/commands.h"
#include "commands/confirm.h"
#include "commands/node_clients.h"
#include "core/policy.h"
#include "render/json.h"

namespace leash::tool {
namespace {

// So many victims are few enough to be read one by one.
constexpr std::size_t kFew = 10;

// The columns of the log in the order in which a plan is read.
constexpr Column kReap[] = {
    {.name = "session_id", .header = "SESSION"},
    {.name = "pid", .kind = Kind::kCount, .header = "PID", .drop_rank = 2},
    {.name = "application_name", .header = "APPLICATION", .min_width = 10},
    {.name = "kind", .kind = Kind::kState, .header = "KIND"},
    {.name = "leaked_for", .kind = Kind::kDuration, .header = "AGE"},
    {.name = "policy", .header = "POLICY", .min_width = 9},
    {.name = "action", .header = "ACTION", .drop_rank = 1},
    {.name = "mode"},
    {.name = "outcome", .kind = Kind::kStatus},
    {.name = "said",
     .kind = Kind::kStatus,
     .header = "OUTCOME",
     .min_width = 8,
     .table_only = true},
    {.name = "usename"},
    {.name = "datname"},
    {.name = "client_addr", .kind = Kind::kAddress},
    {.name = "by"},
    {.name = "weight"},
    {.name = "blocked_sessions", .kind = Kind::kCount},
    {.name = "opener", .kind = Kind::kQuery},
    {.name = "reason", .kind = Kind::kQuery},
    {.name = "took", .kind = Kind::kDuration},
    {.name = "decided_at", .kind = Kind::kInstant},
};

std::string text(const Dataset& data, const Row& row, std::string_view column) {
    return cell_of(data, row, column).value_or("");
}

bool is_planned(const Dataset& data, const Row& row) {
    return text(data, row, "outcome") == "would";
}

bool is_enforced(const Dataset& data, const Row& row) {
    return text(data, row, "mode") == name_of(Mode::enforce);
}

bool hurts(const Dataset& data, const Row& row) {
    const std::string action = text(data, row, "action");
    return action == name_of(Action::terminate) || action == name_of(Action::cancel);
}

// What --yes would do something about, and whom it would hurt.
bool would_act(const Dataset& data, const Row& row) {
    return is_planned(data, row) && is_enforced(data, row);
}
bool is_victim(const Dataset& data, const Row& row) {
    return would_act(data, row) && hurts(data, row);
}

std::string said_of(const Dataset& data, const Row& row) {
    const std::string outcome = text(data, row, "outcome");
    if (is_planned(data, row) && !is_enforced(data, row)) {
        return "observed";
    }
    // Held back as its policy wants it: nobody refused anything.
    for (const char* held : {"kept", "pressure eased", "brake", "breaker"}) {
        if (outcome == std::string("refused: ") + held) {
            return held;
        }
    }
    return outcome;
}

Dataset arranged(const Dataset& log) {
    Dataset data{kReap, {}};
    for (const Row& row : log.rows) {
        Row& out = data.rows.emplace_back();
        for (const Column& column : kReap) {
            out.push_back(column.table_only ? Cell(said_of(log, row))
                                            : cell_of(log, row, column.name));
        }
    }
    return data;
}

std::size_t count_rows(const Dataset& data, bool (*counts)(const Dataset&, const Row&)) {
    return static_cast<std::size_t>(std::count_if(
        data.rows.begin(), data.rows.end(), [&](const Row& row) { return counts(data, row); }));
}

std::string sessions(std::size_t count) {
    return fmt::format("{} session{}", count, count == 1 ? "" : "s");
}

// "2 ended, 1 spared: woke up"
std::string tally(const Dataset& data) {
    std::map<std::string, std::size_t> counts;
    for (const Row& row : data.rows) {
        const std::string said = said_of(data, row);
        ++counts[said == "would" ? "to act on" : said == "observed" ? "only observed" : said];
    }
    std::string out;
    for (const auto& [outcome, count] : counts) {
        out += fmt::format("{}{} {}", out.empty() ? "" : ", ", count, outcome);
    }
    return out;
}

std::string plan_summary(const Dataset& plan) {
    if (plan.rows.empty()) {
        return "the policies match no session now";
    }
    const std::size_t acts = count_rows(plan, would_act);
    const std::string matched =
        fmt::format("{} matched: {}", sessions(plan.rows.size()), tally(plan));
    return acts == 0 ? matched + "; --yes would do nothing"
                     : matched + "; nothing was done, --yes does it";
}

bool is_node_victim(const Dataset& data, const Row& row) {
    return is_victim(data, row) && text(data, row, "action") == name_of(Action::terminate) &&
           may_be_node(text(data, row, "application_name"));
}

// False when somebody who was asked did not agree.
bool may_act(Context& context, const Dataset& plan) {
    const std::size_t victims = count_rows(plan, is_victim);
    const auto& at_most = context.options.at_most;
    if (at_most && victims > static_cast<std::size_t>(*at_most)) {
        throw Failure(
            fmt::format("the policies would act on {}, more than --at-most {}; nothing "
                        "was done",
                        sessions(victims), *at_most));
    }
    warn_of_node_clients(count_rows(plan, is_node_victim));
    if (victims <= kFew || at_most || !can_ask()) {
        return true;
    }
    TableStyle style = table_style(context);
    style.color = false;
    write_progress(render_table(plan, style));
    return confirm_number(fmt::format("{} will be cancelled or terminated; type their number to go "
                                      "on: ",
                                      sessions(victims)),
                          victims);
}

bool failed(const Dataset& data, const Row& row) {
    const std::string outcome = text(data, row, "outcome");
    return outcome.starts_with("still ") || outcome == "refused: permission denied";
}

int act(Context& context) {
    const Dataset plan = arranged(context.source.reap(true));
    if (count_rows(plan, would_act) == 0) {
        write_output(render(context, "reap", plan));
        write_note(plan_summary(plan));
        return kExitDone;
    }
    if (!may_act(context, plan)) {
        write_note("nothing was done");
        return kExitFailure;
    }
    const Dataset done = arranged(context.source.reap(false));
    write_output(render(context, "reap", done));
    write_note(done.rows.empty() ? "nothing was due: the sessions woke up, or their policy's grace "
                                   "is not over"
                                 : fmt::format("{}: {}", sessions(done.rows.size()), tally(done)));
    return count_rows(done, failed) > 0 ? kExitFailure : kExitDone;
}

}  // namespace

int run_reap(Context& context) {
    if (context.options.yes) {
        return act(context);
    }
    Dataset plan;
    show_frames(context, [&] {
        plan = arranged(context.source.reap(true));
        const std::string shown = render(context, "reap", plan);
        const bool screen =
            context.options.watch_seconds && context.options.format == Format::kTable;
        return screen ? shown + plan_summary(plan) + "\n" : shown;
    });
    if (!context.options.watch_seconds) {
        write_note(plan_summary(plan));
    }
    const bool would = count_rows(plan, would_act) > 0;
    return would && context.options.exit_code ? kExitSomethingToDo : kExitDone;
}

}  // namespace leash::tool
