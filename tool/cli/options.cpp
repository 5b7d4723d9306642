#include "cli/options.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>

#include "cli/suggest.h"
#include "cli/values.h"
#include "failure.h"

namespace leash::tool {
namespace {

struct CommandWord {
    Command command;
    const char* name;
    const char* description;
};

constexpr CommandWord kCommands[] = {
    {Command::kStatus, "status", "one screen: slots, leaks, slow statements, what to do next"},
    {Command::kSessions, "sessions", "list client sessions (but the own), leaked ones first"},
    {Command::kLeaks, "leaks", "list leaked sessions by cause (--each: one by one)"},
    {Command::kSlow, "slow", "list slow statements, newest first"},
    {Command::kTerminate, "terminate", "end sessions by session id, or all that are leaked"},
    {Command::kCancel, "cancel", "cancel the statements that sessions run now"},
    {Command::kDoctor, "doctor", "check installation, preloading and privileges"},
};

constexpr const char* kTerminateFooter = R"(
An idle session is claimed before it is ended: one that came back to life is
spared. Outcomes: ended, still exiting, spared, gone, exempt, refused.
Exit status is 0 when every session named was ended, else 1. With --leaked, a
session that is gone or was spared is no failure: it is leaked no more.)";

constexpr const char* kCancelFooter = R"(
Exit status is 0 when every statement was cancelled, else 1: 'gone' is a session
that does not exist, 'too late' a statement that had ended.)";

constexpr const char* kCommandFooter = R"(
Connection and output options are those of "pgleash --help".)";

constexpr const char* kMainFooter = R"(
PG* environment variables, service files and .pgpass work as in psql.
Exit status: 0 done, 1 failure, 2 wrong usage. "pgleash COMMAND --help" tells more.)";

// Every value as it was typed; what it means is found out after parsing, so
// that all errors are ours and read alike.
class Arguments {
public:
    std::string& slot(const std::string& name) { return values_[name]; }
    std::vector<std::string>& words() { return words_; }

    void bind(const std::string& name, CLI::Option* option) { options_[name].push_back(option); }

    bool is_value(const std::string& text) const {
        return std::any_of(values_.begin(), values_.end(),
                           [&](const auto& entry) { return entry.second == text; });
    }

    bool given(const std::string& name) const {
        const auto found = options_.find(name);
        return found != options_.end() &&
               std::any_of(found->second.begin(), found->second.end(),
                           [](const CLI::Option* option) { return option->count() > 0; });
    }

    std::optional<std::string> value(const std::string& name) const {
        return given(name) ? std::optional(values_.at(name)) : std::nullopt;
    }

private:
    std::map<std::string, std::string> values_;
    std::map<std::string, std::vector<CLI::Option*>> options_;
    std::vector<std::string> words_;
};

void add_value(CLI::App* app, Arguments& arguments, const std::string& name,
               const std::string& names, const std::string& type, const std::string& text) {
    CLI::Option* option = app->add_option(names, arguments.slot(name), text);
    option->type_name(type)->take_last();
    arguments.bind(name, option);
}

void add_flag(CLI::App* app, Arguments& arguments, const std::string& name,
              const std::string& names, const std::string& text) {
    CLI::Option* option = app->add_flag(names, text);
    // "--json=no" would otherwise count as --json.
    option->check([](const std::string& value) {
        return value == "true" ? std::string() : std::string("it takes no value");
    });
    arguments.bind(name, option);
}

void add_global_options(CLI::App& app, Arguments& arguments) {
    const std::string connection = "Connection options";
    app.option_defaults()->group(connection);
    add_value(&app, arguments, "host", "-h,--host", "HOST", "server host or socket directory");
    add_value(&app, arguments, "port", "-p,--port", "PORT", "server port");
    add_value(&app, arguments, "username", "-U,--username", "NAME", "user to connect as");
    add_value(&app, arguments, "dbname", "-d,--dbname", "DBNAME",
              "database, connection string or URI");
    add_flag(&app, arguments, "no-password", "-w,--no-password", "never ask for a password");
    add_flag(&app, arguments, "password", "-W,--password", "ask for a password first");
    app.option_defaults()->group("Output options");
    add_value(&app, arguments, "format", "--format", "FORMAT", "table (default), json or csv");
    add_flag(&app, arguments, "json", "--json", "same as --format json");
    add_flag(&app, arguments, "csv", "--csv", "same as --format csv");
    add_value(&app, arguments, "color", "--color", "WHEN", "auto (default), always or never");
    app.option_defaults()->group("Options");
}

void add_watch(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "watch", "--watch", "SECONDS", "repeat until Ctrl-C");
}

void add_common_filters(CLI::App* command, Arguments& arguments) {
    command->option_defaults()->group("Filters");
    add_value(command, arguments, "app", "--app", "GLOB", "application name (* and ?)");
    add_value(command, arguments, "user", "--user", "ROLE", "role");
    add_value(command, arguments, "db", "--db", "NAME", "database");
    add_value(command, arguments, "addr", "--addr", "ADDRESS", "address, network, or local");
}

void add_session_filters(CLI::App* command, Arguments& arguments) {
    add_common_filters(command, arguments);
    add_value(command, arguments, "state", "--state", "STATE",
              "active, idle, idle-in-transaction, aborted");
    add_value(command, arguments, "min-idle", "--min-idle", "DURATION",
              "idle at least so long (90s, 5min)");
    command->option_defaults()->group("Options");
}

void add_listing_options(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "sort", "--sort", "COLUMN", "sort by COLUMN[:asc|:desc]");
    add_value(command, arguments, "limit", "--limit", "N", "at most N rows");
    add_watch(command, arguments);
}

void add_targets(CLI::App* command, Arguments& arguments) {
    CLI::Option* words = command->add_option("SESSION_ID", arguments.words(),
                                             "session ids (or pids, which are resolved first)");
    words->type_name("");
    arguments.bind("targets", words);
    add_value(command, arguments, "reason", "--reason", "TEXT",
              "told to the client and kept in the log");
}

void add_command_options(CLI::App* command, Command which, Arguments& arguments) {
    switch (which) {
        case Command::kStatus:
            add_watch(command, arguments);
            break;
        case Command::kLeaks:
            add_flag(command, arguments, "each", "--each,--list", "one row for each session");
            [[fallthrough]];
        case Command::kSessions:
            add_session_filters(command, arguments);
            add_listing_options(command, arguments);
            break;
        case Command::kSlow:
            add_common_filters(command, arguments);
            add_value(command, arguments, "min-duration", "--min-duration", "DURATION",
                      "took at least so long (2s, 1min)");
            command->option_defaults()->group("Options");
            add_listing_options(command, arguments);
            break;
        case Command::kTerminate:
            add_targets(command, arguments);
            add_flag(command, arguments, "force", "--force", "end it even while it is active");
            add_flag(command, arguments, "leaked", "--leaked", "all leaked sessions (dry run)");
            add_flag(command, arguments, "yes", "--yes", "with --leaked: do end them");
            add_session_filters(command, arguments);
            command->footer(std::string(kTerminateFooter) + "\n" + kCommandFooter);
            break;
        case Command::kCancel:
            add_targets(command, arguments);
            command->footer(std::string(kCancelFooter) + "\n" + kCommandFooter);
            break;
        case Command::kDoctor:
            break;
    }
}

[[noreturn]] void refuse(const std::string& message) {
    throw Failure(message, kExitUsage);
}

std::vector<std::string> command_names() {
    std::vector<std::string> names;
    for (const CommandWord& word : kCommands) {
        names.emplace_back(word.name);
    }
    return names;
}

std::vector<std::string> long_options(const CLI::App& app) {
    std::vector<std::string> names;
    for (const CLI::Option* option : app.get_options()) {
        for (const std::string& name : option->get_lnames()) {
            names.push_back("--" + name);
        }
    }
    return names;
}

std::string did_you_mean(const std::string& word, const std::vector<std::string>& candidates,
                         const std::string& otherwise) {
    const std::string guess = closest_word(word, candidates);
    return guess.empty() ? otherwise : fmt::format("did you mean \"{}\"?", guess);
}

// Says what is wrong with an argument that nobody took.
[[noreturn]] void refuse_extra(const CLI::App& app, const CLI::App* command,
                               const std::string& extra) {
    const std::string name = extra.starts_with("--") ? extra.substr(0, extra.find('=')) : extra;
    if (extra.size() > 1 && extra.front() == '-') {
        std::vector<std::string> candidates = long_options(app);
        std::string help = "try \"pgleash --help\"";
        if (command != nullptr) {
            const std::vector<std::string> own = long_options(*command);
            if (std::find(own.begin(), own.end(), name) != own.end()) {
                refuse(
                    fmt::format("option \"{}\" must stand after the command, as in \"pgleash {} "
                                "{}\"",
                                name, command->get_name(), name));
            }
            candidates.insert(candidates.end(), own.begin(), own.end());
            help = fmt::format("try \"pgleash {} --help\"", command->get_name());
        }
        refuse(fmt::format("unrecognized option \"{}\"; {}", name,
                           did_you_mean(name, candidates, help)));
    }
    if (command == nullptr) {
        const std::string list = fmt::format("{}", fmt::join(command_names(), ", "));
        refuse(fmt::format("unknown command \"{}\"; {}", extra,
                           did_you_mean(extra, command_names(), "the commands are " + list)));
    }
    refuse(
        fmt::format("too many arguments for \"{}\" (the first is \"{}\"); try \"pgleash {} "
                    "--help\"",
                    command->get_name(), extra, command->get_name()));
}

ConnectionOptions read_connection(const CLI::App& app, const Arguments& arguments) {
    ConnectionOptions connection;
    connection.host = arguments.value("host");
    connection.port = arguments.value("port");
    connection.user = arguments.value("username");
    connection.dbname = arguments.value("dbname");
    for (const CLI::Option* option : app.parse_order()) {
        if (option->check_lname("no-password")) {
            connection.prompt = PasswordPrompt::kNever;
        } else if (option->check_lname("password")) {
            connection.prompt = PasswordPrompt::kAlways;
        }
    }
    return connection;
}

Format read_format(const Arguments& arguments) {
    const bool json = arguments.given("json");
    const bool csv = arguments.given("csv");
    const bool named = arguments.given("format");
    if (static_cast<int>(json) + static_cast<int>(csv) + static_cast<int>(named) > 1) {
        refuse("give only one of --format, --json and --csv");
    }
    if (named) {
        return format_value(*arguments.value("format"));
    }
    return json ? Format::kJson : csv ? Format::kCsv : Format::kTable;
}

Listing listing_of(Command command, bool each) {
    if (command == Command::kSlow) {
        return Listing::kSlow;
    }
    if (command == Command::kLeaks) {
        return each ? Listing::kLeaks : Listing::kLeakGroups;
    }
    return Listing::kSessions;
}

Filters read_filters(const Arguments& arguments, Command command) {
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
    if (const auto text = arguments.value("sort")) {
        filters.sort = sort_value(listing_of(command, arguments.given("each")), *text);
    }
    if (const auto text = arguments.value("limit")) {
        filters.limit = limit_value(*text);
    }
    return filters;
}

void read_targets(Options& options, Arguments& arguments) {
    const char* command = options.command == Command::kCancel ? "cancel" : "terminate";
    for (const std::string& word : arguments.words()) {
        options.targets.push_back(target_value(word));
    }
    if (options.leaked) {
        if (!options.targets.empty()) {
            refuse("give either session ids or --leaked");
        }
        if (options.force) {
            refuse(
                "--force cannot be combined with --leaked: a session that came back to life is "
                "leaked no more");
        }
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

Options read_options(const CLI::App& app, Command command, Arguments& arguments) {
    Options options;
    options.command = command;
    options.connection = read_connection(app, arguments);
    options.format = read_format(arguments);
    if (const auto text = arguments.value("color")) {
        options.color = color_value(*text);
    }
    options.each = arguments.given("each");
    options.force = arguments.given("force");
    options.leaked = arguments.given("leaked");
    options.yes = arguments.given("yes");
    options.reason = arguments.value("reason");
    options.filters = read_filters(arguments, command);
    if (const auto text = arguments.value("watch")) {
        options.watch_seconds = watch_value(*text);
        if (options.format == Format::kCsv) {
            refuse("--watch does not go with CSV; use --json, which prints one document a line");
        }
    }
    if (command == Command::kTerminate || command == Command::kCancel) {
        read_targets(options, arguments);
    }
    return options;
}

// CLI11 takes the next argument for "--host=", where getopt takes an empty
// text.  It also wants its arguments last one first.
std::vector<std::string> prepared(const std::vector<std::string>& arguments) {
    std::vector<std::string> out;
    bool options_ended = false;
    for (const std::string& argument : arguments) {
        options_ended = options_ended || argument == "--";
        const bool empty_value = !options_ended && argument.size() > 3 &&
                                 argument.starts_with("--") && argument.back() == '=' &&
                                 argument.find('=') == argument.size() - 1;
        out.push_back(empty_value ? argument.substr(0, argument.size() - 1) : argument);
        if (empty_value) {
            out.emplace_back();
        }
    }
    std::reverse(out.begin(), out.end());
    return out;
}

void replace_all(std::string& text, std::string_view from, std::string_view to) {
    for (std::size_t at = text.find(from); at != std::string::npos;
         at = text.find(from, at + to.size())) {
        text.replace(at, from.size(), to);
    }
}

// CLI11's help, spaced as PostgreSQL's programs space theirs.
std::string cleaned(std::string help) {
    replace_all(help, "\n\n\n", "\n\n");
    for (std::size_t at = help.find(",--"); at != std::string::npos; at = help.find(",--", at)) {
        help.insert(at + 1, " ");
        if (const std::size_t gap = help.find("  ", at); gap != std::string::npos) {
            help.erase(gap, 1);
        }
    }
    replace_all(help, "[OPTIONS] [SUBCOMMAND]", "[OPTIONS] COMMAND [OPTIONS]");
    replace_all(help, "\nUsage:", "\n\nUsage:");
    while (help.ends_with("\n\n")) {
        help.pop_back();
    }
    return help;
}

ParsedCommandLine usage_error(const std::string& message) {
    ParsedCommandLine parsed;
    parsed.exit_code = kExitUsage;
    parsed.error = message;
    return parsed;
}

Options parse_or_throw(CLI::App& app, const std::vector<std::string>& arguments_given,
                       Arguments& arguments) {
    std::vector<std::string> words = prepared(arguments_given);
    app.parse(words);
    for (const std::string& given : arguments_given) {
        // CLI11 takes "[1.2,3.4]" for a list; to us it is no session id.
        if (given.starts_with('[') && !arguments.words().empty() && !arguments.is_value(given)) {
            target_value(given);
        }
    }
    const std::vector<CLI::App*> chosen = app.get_subcommands();
    const CLI::App* command = chosen.empty() ? nullptr : chosen.front();
    const std::vector<std::string> extras = app.remaining(true);
    if (!extras.empty()) {
        refuse_extra(app, command, extras.front());
    }
    if (command == nullptr) {
        refuse(fmt::format("no command given; the commands are {} (try \"pgleash --help\")",
                           fmt::join(command_names(), ", ")));
    }
    const auto word = std::find_if(std::begin(kCommands), std::end(kCommands),
                                   [&](const auto& w) { return command->get_name() == w.name; });
    return read_options(app, word->command, arguments);
}

}  // namespace

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments_given) {
    CLI::App app("pgleash keeps PostgreSQL sessions on a leash.", "pgleash");
    Arguments arguments;
    // -h is the host, as in psql; CLI11 has to let go of it first.
    app.set_help_flag("-?,--help", "show this help");
    app.set_version_flag("-V,--version", "pgleash (pg_leash) " PGLEASH_VERSION, "show the version");
    app.fallthrough();
    app.require_subcommand(0, 1);
    add_global_options(app, arguments);
    for (const CommandWord& word : kCommands) {
        CLI::App* command = app.add_subcommand(word.name, word.description);
        command->group("Commands")->footer(kCommandFooter);
        add_command_options(command, word.command, arguments);
    }
    app.allow_extras();
    app.footer(kMainFooter);

    ParsedCommandLine parsed;
    try {
        parsed.options = parse_or_throw(app, arguments_given, arguments);
    } catch (const CLI::CallForHelp&) {
        parsed.output = cleaned(app.help());
    } catch (const CLI::CallForVersion& version) {
        parsed.output = std::string(version.what()) + "\n";
    } catch (const CLI::ArgumentMismatch& error) {
        return usage_error(fmt::format("an option lacks its value ({})", error.what()));
    } catch (const CLI::ParseError& error) {
        return usage_error(error.what());
    } catch (const Failure& failure) {
        return usage_error(failure.what());
    }
    return parsed;
}

}  // namespace leash::tool
