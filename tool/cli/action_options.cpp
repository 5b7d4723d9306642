// The options of what acts on sessions: terminate, cancel, reap.
#include <fmt/format.h>

#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {
namespace {

constexpr const char* kTerminateFooter = R"(
An idle session is claimed before it is ended: one that came back to life is
spared. Outcomes: ended, still exiting, spared, gone, exempt, refused.
Exit status is 0 when every session named was ended, else 1. With --leaked, a
session that is gone or was spared is no failure: it is leaked no more.)";

constexpr const char* kCancelFooter = R"(
Exit status is 0 when every statement was cancelled, else 1: 'gone' is a session
that does not exist, 'too late' a statement that had ended.)";

constexpr const char* kReapFooter = R"(
Without --yes nothing is done: it shows what the policies would do. With --yes
they act, with your rights instead of the worker's; those that only observe
still do nothing. On a terminal, more than 10 victims must be confirmed by their
number, unless --at-most allows for them.
Exit status: 0, or 1 when a session could not be ended. With --exit-code: 10
when the policies would act.)";

void declare_cancel(CLI::App* command, Arguments& arguments) {
    add_words(command, arguments, "SESSION_ID", "session ids (or pids, which are resolved first)");
    add_value(command, arguments, "reason", "--reason", "TEXT",
              "told to the client and kept in the log");
    set_footer(command, kCancelFooter);
}

void declare_terminate(CLI::App* command, Arguments& arguments) {
    declare_cancel(command, arguments);
    add_flag(command, arguments, "force", "--force", "end it even while it is active");
    add_flag(command, arguments, "without-claim", "--without-claim",
             "on a server without pg_leash");
    add_flag(command, arguments, "leaked", "--leaked", "all leaked sessions (dry run)");
    add_flag(command, arguments, "yes", "--yes", "with --leaked: do end them");
    add_session_filters(command, arguments);
    set_footer(command, kTerminateFooter);
}

void refuse_leaked_with(const Options& options) {
    if (!options.targets.empty()) {
        refuse("give either session ids or --leaked");
    }
    if (options.force) {
        refuse(
            "--force cannot be combined with --leaked: a session that came back to life is "
            "leaked no more");
    }
}

void read_targets(Options& options, const Arguments& arguments) {
    const char* command = options.command == Command::kCancel ? "cancel" : "terminate";
    options.force = arguments.given("force");
    options.leaked = arguments.given("leaked");
    options.without_claim = arguments.given("without-claim");
    options.yes = arguments.given("yes");
    options.reason = arguments.value("reason");
    options.filters = read_filters(arguments);
    for (const std::string& word : arguments.words()) {
        options.targets.push_back(target_value(word));
    }
    if (options.leaked) {
        refuse_leaked_with(options);
        return;
    }
    if (options.targets.empty()) {
        refuse(
            fmt::format("no session id given; \"pgleash sessions\" lists them (\"pgleash {} "
                        "--help\" tells more)",
                        command));
    }
    if (options.yes) {
        refuse("--yes goes with --leaked only");
    }
    for (const char* filter : {"app", "user", "db", "addr", "state", "min-idle"}) {
        if (arguments.given(filter)) {
            refuse(fmt::format("--{} goes with --leaked only", filter));
        }
    }
}

void declare_reap(CLI::App* command, Arguments& arguments) {
    add_flag(command, arguments, "yes", "--yes", "do it");
    add_value(command, arguments, "at-most", "--at-most", "N",
              "with --yes: do nothing to more than N sessions");
    add_flag(command, arguments, "exit-code", "--exit-code", "exit with 10 if it would act");
    add_watch(command, arguments);
    set_footer(command, kReapFooter);
}

void read_reap(Options& options, const Arguments& arguments) {
    options.yes = arguments.given("yes");
    options.exit_code = arguments.given("exit-code");
    if (const auto text = arguments.value("at-most")) {
        options.at_most = count_value("--at-most", *text);
    }
    if (options.exit_code && (options.yes || options.watch_seconds)) {
        refuse("--exit-code goes without --yes and --watch");
    }
    if (options.yes && options.watch_seconds) {
        refuse(
            "--watch goes without --yes: to act again and again is the worker's part, with mode = "
            "\"enforce\" in the policy");
    }
    if (options.at_most && !options.yes) {
        refuse("--at-most goes with --yes only");
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kTerminate, "terminate", "end sessions by session id, or all that are leaked",
     declare_terminate, read_targets},
    {Command::kCancel, "cancel", "cancel the statements that sessions run now", declare_cancel,
     read_targets},
    {Command::kReap, "reap", "show what the policies would do now (--yes: do it)", declare_reap,
     read_reap},
};

}  // namespace

std::span<const CommandWord> action_commands() {
    return kCommands;
}

}  // namespace leash::tool
