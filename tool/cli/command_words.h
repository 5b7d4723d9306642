// The commands as they are typed: their names, options and how to read those.  One
// file for each group of commands.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "cli/arguments.h"
#include "cli/options.h"

namespace leash::tool {

struct CommandWord {
    Command command;
    const char* name;  ///< of a command of a group: "policy list"
    const char* description;
    void (*declare)(CLI::App* app, Arguments& arguments);
    /// Throws Failure with kExitUsage for what makes no sense.
    void (*read)(Options& options, const Arguments& arguments);
    bool hidden = false;  ///< for programs: help does not list it
};

/// All commands, in the order of the help.
std::vector<CommandWord> command_words();

/// Those that are not hidden.
std::vector<std::string> command_names();

std::span<const CommandWord> listing_commands();
std::span<const CommandWord> action_commands();
std::span<const CommandWord> policy_commands();
std::span<const CommandWord> advise_commands();
std::span<const CommandWord> snapshot_commands();
std::span<const CommandWord> health_commands();
std::span<const CommandWord> metrics_commands();
std::span<const CommandWord> serve_commands();
std::span<const CommandWord> report_commands();
std::span<const CommandWord> plan_commands();
std::span<const CommandWord> config_commands();
std::span<const CommandWord> completion_commands();

void add_common_filters(CLI::App* command, Arguments& arguments);
void add_session_filters(CLI::App* command, Arguments& arguments);
void add_agentless_options(CLI::App* app, Arguments& arguments);
void read_agentless(Options& options, const Arguments& arguments);
void add_metric_choices(CLI::App* command, Arguments& arguments);
void read_metric_choices(Options& options, const Arguments& arguments);
void add_watch(CLI::App* command, Arguments& arguments);

Filters read_filters(const Arguments& arguments);

/// Throws Failure with kExitUsage for an argument that no option or command took.
[[noreturn]] void refuse_unrecognized(const CLI::App& app, const std::string& extra);

/// The command that was chosen, a group alone included, or nullptr.
const CLI::App* chosen_command(const CLI::App& app);

/// Its name with that of its group.
std::string full_name(const CLI::App& command);

[[noreturn]] void refuse(const std::string& message);

}  // namespace leash::tool
