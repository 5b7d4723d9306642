#include "commands/commands.h"
#include "commands/filters.h"

namespace leash::tool {
namespace {

struct Plan {
    Listing listing;
    const char* command;
    const char* nothing;  // what to say when there are no rows
};

Plan plan_of(const Options& options) {
    switch (options.command) {
        case Command::kLeaks:
            return {options.each ? Listing::kLeaks : Listing::kLeakGroups, "leaks",
                    "no leaked sessions"};
        case Command::kSlow:
            return {options.summary ? Listing::kSlowSummary : Listing::kSlow, "slow",
                    "no slow statements"};
        case Command::kApps:
            return {Listing::kApplications, "apps", "no applications"};
        case Command::kOrphans:
            return {Listing::kOrphans, "orphans", "no orphans"};
        case Command::kHistory:
            return {Listing::kHistory, "history", "no minutes"};
        case Command::kLog:
            return {Listing::kReapLog, "log", "no decisions"};
        default:
            return {Listing::kSessions, "sessions", "no sessions"};
    }
}

bool is_narrowed(const Filters& filters) {
    return filters.app || filters.user || filters.db || filters.address || filters.state ||
           filters.min_idle_us || filters.min_duration_us || filters.policy || filters.outcome ||
           filters.since_us;
}

}  // namespace

int run_listing(Context& context) {
    const Plan plan = plan_of(context.options);
    const Selection selection{.listing = plan.listing, .filters = context.options.filters};
    show_frames(context, [&] {
        const Dataset data = context.source.rows(selection);
        const std::string text = render(context, plan.command, data);
        if (data.rows.empty() && context.options.format == Format::kTable) {
            const std::string said =
                std::string(plan.nothing) + (is_narrowed(context.options.filters) ? " match" : "");
            if (context.options.watch_seconds) {
                return said + "\n";
            }
            write_note(said);
        }
        return text;
    });
    return kExitDone;
}

}  // namespace leash::tool
