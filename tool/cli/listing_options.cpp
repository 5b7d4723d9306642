// The options of what shows something: status, sessions, leaks, apps, slow, orphans,
// history, log.
#include <algorithm>

#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {
namespace {

constexpr const char* kLogFooter = R"(
Outcomes: would (the policy only observes), logged, notified, cancelled, ended,
still exiting, too late, gone, spared: woke up, exempt: WHY and refused: WHY.)";

constexpr const char* kHistoryFooter = R"(
USED, ACTIVE, IDLE IN TXN and LEAKED are the most in that minute.)";

constexpr std::int64_t kHistoryDefault = 3'600'000'000;  // us

void add_listing_options(CLI::App* command, Arguments& arguments,
                         std::initializer_list<Listing> listings) {
    add_value(command, arguments, "sort", "--sort", "COLUMN", "sort by COLUMN[:asc|:desc]");
    std::vector<std::string> columns;
    for (const Listing listing : listings) {
        for (const std::string& name : sortable_columns(listing)) {
            if (std::find(columns.begin(), columns.end(), name) == columns.end()) {
                columns.push_back(name);
            }
        }
    }
    arguments.offer("sort", columns);
    add_value(command, arguments, "limit", "--limit", "N", "at most N rows");
    add_watch(command, arguments);
}

void declare_sessions(CLI::App* command, Arguments& arguments) {
    add_session_filters(command, arguments);
    add_listing_options(command, arguments, {Listing::kSessions});
}

void declare_leaks(CLI::App* command, Arguments& arguments) {
    add_flag(command, arguments, "each", "--each,--list", "one row for each session");
    add_session_filters(command, arguments);
    add_listing_options(command, arguments, {Listing::kLeakGroups, Listing::kLeaks});
}

void add_application_filters(CLI::App* command, Arguments& arguments) {
    set_group(command, "Filters");
    add_value(command, arguments, "app", "--app", "GLOB", "application name (* and ?)");
    add_value(command, arguments, "user", "--user", "ROLE", "role");
    add_value(command, arguments, "db", "--db", "NAME", "database");
    set_group(command, "Options");
}

void declare_apps(CLI::App* command, Arguments& arguments) {
    add_application_filters(command, arguments);
    add_listing_options(command, arguments, {Listing::kApplications});
}

void declare_slow(CLI::App* command, Arguments& arguments) {
    add_flag(command, arguments, "summary", "--summary", "one row for each query");
    add_common_filters(command, arguments);
    add_value(command, arguments, "min-duration", "--min-duration", "DURATION",
              "took at least so long (2s, 1min)");
    set_group(command, "Options");
    add_listing_options(command, arguments, {Listing::kSlow, Listing::kSlowSummary});
}

void declare_log(CLI::App* command, Arguments& arguments) {
    add_common_filters(command, arguments);
    add_value(command, arguments, "policy", "--policy", "GLOB", "policy (* and ?)");
    add_value(command, arguments, "outcome", "--outcome", "WORD", "ended, spared, would, refused");
    arguments.offer("outcome", {"would", "logged", "notified", "cancelled", "ended", "still", "too",
                                "gone", "spared", "exempt", "refused"});
    add_value(command, arguments, "since", "--since", "DURATION", "decided so long ago (8h, 1d)");
    set_group(command, "Options");
    add_listing_options(command, arguments, {Listing::kReapLog});
    set_footer(command, kLogFooter);
}

void declare_history(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "since", "--since", "DURATION",
              "minutes begun so long ago (8h, 7d; default 1h)");
    add_listing_options(command, arguments, {Listing::kHistory});
    set_footer(command, kHistoryFooter);
}

void declare_orphans(CLI::App* command, Arguments& arguments) {
    add_listing_options(command, arguments, {Listing::kOrphans});
}

void read_status(Options&, const Arguments&) {}

Listing listing_of(const Options& options) {
    switch (options.command) {
        case Command::kSlow:
            return options.summary ? Listing::kSlowSummary : Listing::kSlow;
        case Command::kApps:
            return Listing::kApplications;
        case Command::kOrphans:
            return Listing::kOrphans;
        case Command::kHistory:
            return Listing::kHistory;
        case Command::kLog:
            return Listing::kReapLog;
        case Command::kLeaks:
            return options.each ? Listing::kLeaks : Listing::kLeakGroups;
        default:
            return Listing::kSessions;
    }
}

void read_listing(Options& options, const Arguments& arguments) {
    options.each = arguments.given("each");
    options.summary = arguments.given("summary");
    if (options.summary && arguments.given("min-duration")) {
        refuse("--min-duration does not go with --summary");
    }
    if (options.summary && arguments.given("addr")) {
        refuse("--addr does not go with --summary: one query comes from many addresses");
    }
    options.filters = read_filters(arguments);
    if (options.command == Command::kHistory && !options.filters.since_us) {
        options.filters.since_us = kHistoryDefault;
    }
    if (const auto text = arguments.value("sort")) {
        options.filters.sort = sort_value(listing_of(options), *text);
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kStatus, "status", "one screen: slots, leaks, what to do next", add_watch,
     read_status},
    {Command::kSessions, "sessions", "list client sessions, leaked ones first", declare_sessions,
     read_listing},
    {Command::kLeaks, "leaks", "list leaked sessions by cause (--each: one by one)", declare_leaks,
     read_listing},
    {Command::kApps, "apps", "list applications and the sessions they need", declare_apps,
     read_listing},
    {Command::kSlow, "slow", "list slow statements (--summary: by query)", declare_slow,
     read_listing},
    {Command::kOrphans, "orphans", "list prepared transactions and inactive slots", declare_orphans,
     read_listing},
    {Command::kHistory, "history", "list the minutes of the last hour (or --since 7d)",
     declare_history, read_listing},
    {Command::kLog, "log", "list what policies and people decided", declare_log, read_listing},
};

}  // namespace

std::span<const CommandWord> listing_commands() {
    return kCommands;
}

}  // namespace leash::tool
