#include "cli/command_words.h"

#include "cli/values.h"
#include "failure.h"

namespace leash::tool {
namespace {

void declare_nothing(CLI::App*, Arguments&) {}
void read_nothing(Options&, const Arguments&) {}

constexpr CommandWord kDoctor = {Command::kDoctor, "doctor",
                                 "check installation, preloading and privileges", declare_nothing,
                                 read_nothing};

}  // namespace

std::vector<CommandWord> command_words() {
    std::vector<CommandWord> words;
    for (const auto group :
         {listing_commands(), action_commands(), policy_commands(), advise_commands(),
          plan_commands(), snapshot_commands(), report_commands(), health_commands(),
          metrics_commands(), serve_commands()}) {
        words.insert(words.end(), group.begin(), group.end());
    }
    words.push_back(kDoctor);
    for (const auto group : {config_commands(), completion_commands()}) {
        words.insert(words.end(), group.begin(), group.end());
    }
    return words;
}

std::vector<std::string> command_names() {
    std::vector<std::string> names;
    for (const CommandWord& word : command_words()) {
        if (!word.hidden) {
            names.emplace_back(word.name);
        }
    }
    return names;
}

void add_watch(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "watch", "--watch", "SECONDS", "repeat until Ctrl-C");
}

void add_common_filters(CLI::App* command, Arguments& arguments) {
    set_group(command, "Filters");
    add_value(command, arguments, "app", "--app", "GLOB", "application name (* and ?)");
    add_value(command, arguments, "user", "--user", "ROLE", "role");
    add_value(command, arguments, "db", "--db", "NAME", "database");
    add_value(command, arguments, "addr", "--addr", "ADDRESS", "address, network, or local");
}

void add_session_filters(CLI::App* command, Arguments& arguments) {
    add_common_filters(command, arguments);
    add_value(command, arguments, "state", "--state", "STATE",
              "active, idle, idle-in-transaction, aborted");
    arguments.offer("state", {"active", "idle", "idle-in-transaction", "aborted", "disabled"});
    add_value(command, arguments, "min-idle", "--min-idle", "DURATION",
              "idle at least so long (90s, 5min)");
    set_group(command, "Options");
}

Filters read_filters(const Arguments& arguments) {
    Filters filters;
    filters.app = arguments.value("app");
    filters.user = arguments.value("user");
    filters.db = arguments.value("db");
    if (const auto text = arguments.value("addr")) {
        filters.address = address_value(*text);
    }
    if (const auto text = arguments.value("state")) {
        filters.state = state_value(*text);
    }
    if (const auto text = arguments.value("min-idle")) {
        filters.min_idle_us = duration_value("--min-idle", *text);
    }
    if (const auto text = arguments.value("min-duration")) {
        filters.min_duration_us = duration_value("--min-duration", *text);
    }
    filters.policy = arguments.value("policy");
    filters.outcome = arguments.value("outcome");
    if (const auto text = arguments.value("since")) {
        filters.since_us = duration_value("--since", *text);
    }
    if (const auto text = arguments.value("limit")) {
        filters.limit = count_value("--limit", *text);
    }
    return filters;
}

void refuse(const std::string& message) {
    throw Failure(message, kExitUsage);
}

}  // namespace leash::tool
