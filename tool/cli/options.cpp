#include "cli/options.h"

#include <algorithm>
#include <map>

#include <CLI/CLI.hpp>
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/command_words.h"
#include "cli/completion.h"
#include "cli/help_text.h"
#include "cli/values.h"
#include "failure.h"
#include "health/nagios.h"

namespace leash::tool {
namespace {

constexpr const char* kMainFooter = R"(
PG* environment variables, service files and .pgpass work as in psql.
Exit status: 0 done, 1 failure, 2 wrong usage.
"pgleash COMMAND --help" tells more.)";

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
    arguments.offer("format", {"table", "json", "csv"});
    add_flag(&app, arguments, "json", "--json", "same as --format json");
    add_flag(&app, arguments, "csv", "--csv", "same as --format csv");
    add_value(&app, arguments, "color", "--color", "WHEN", "auto (default), always or never");
    arguments.offer("color", {"auto", "always", "never"});
    add_agentless_options(&app, arguments);
    app.option_defaults()->group("Options");
}

struct Group {
    const char* name;
    const char* description;
};

constexpr Group kGroups[] = {
    {"policy", "policies as a file: list, show, diff, apply, test"},
    {"advise", "what to change: pools, settings, indexes"},
    {"snapshot", "what is known of the server, as a file: save"},
    {"config", "the settings of pgleash itself: show"},
};

CLI::App* add_command(CLI::App* parent, const std::string& name, const std::string& description) {
    CLI::App* command = parent->add_subcommand(name, description);
    command->group("Commands");
    set_footer(command, "");
    return command;
}

void add_commands(CLI::App& app, const std::vector<CommandWord>& words, Arguments& arguments) {
    std::map<std::string, CLI::App*> groups;
    for (const CommandWord& word : words) {
        CLI::App* parent = &app;
        std::string name = word.name;
        for (const Group& group : kGroups) {
            const std::string prefix = std::string(group.name) + ' ';
            if (name != group.name && !name.starts_with(prefix)) {
                continue;
            }
            CLI::App*& known = groups[group.name];
            known = known != nullptr ? known : add_command(&app, group.name, group.description);
            known->require_subcommand(0, 1);
            parent = known;
            name.erase(0, prefix.size());
        }
        // A group's own name may be a command too.
        CLI::App* const own = name.empty() ? parent : add_command(parent, name, word.description);
        if (word.hidden) {
            own->group("");
        }
        word.declare(own, arguments);
    }
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

// What plan writes is a page, not rows.
void read_page_format(Options& options, const Arguments& arguments) {
    const std::string format = arguments.value("format").value_or("markdown");
    if (arguments.given("csv") || (format != "markdown" && format != "html" && format != "json")) {
        refuse(fmt::format("invalid format \"{}\"; --format takes markdown, html or json",
                           arguments.given("csv") ? "csv" : format));
    }
    options.html = format == "html";
    options.format = format == "json" || arguments.given("json") ? Format::kJson : Format::kTable;
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

Options read_options(const CLI::App& app, const CommandWord& word, const Arguments& arguments) {
    Options options;
    options.command = word.command;
    options.connection = read_connection(app, arguments);
    if (word.command == Command::kPlan) {
        read_page_format(options, arguments);
    } else {
        options.format = read_format(arguments);
    }
    options.format_given =
        arguments.given("format") || arguments.given("json") || arguments.given("csv");
    options.color_given = arguments.given("color");
    options.top_given = arguments.given("top");
    if (options.color_given) {
        options.color = color_value(*arguments.value("color"));
    }
    if (const auto text = arguments.value("watch")) {
        options.watch_seconds = seconds_value("--watch", *text);
        if (options.format == Format::kCsv) {
            refuse("--watch does not go with CSV; use --json, which prints one document a line");
        }
    }
    read_agentless(options, arguments);
    word.read(options, arguments);
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

ParsedCommandLine usage_error(const CLI::App& app, const std::string& message) {
    ParsedCommandLine parsed;
    const CLI::App* command = chosen_command(app);
    if (command != nullptr && full_name(*command) == "health") {
        // To a monitoring program 2 would be CRITICAL, and it reads standard output alone.
        parsed.exit_code = static_cast<int>(HealthStatus::kUnknown);
        parsed.output = nagios_line(HealthStatus::kUnknown, message);
        return parsed;
    }
    parsed.exit_code = kExitUsage;
    parsed.error = message;
    return parsed;
}

Options parse_or_throw(CLI::App& app, const std::vector<CommandWord>& words,
                       const std::vector<std::string>& arguments_given, Arguments& arguments) {
    std::vector<std::string> given_in_order = prepared(arguments_given);
    app.parse(given_in_order);
    for (const std::string& given : arguments_given) {
        // CLI11 takes "[1.2,3.4]" for a list; to us it is no session id.
        if (given.starts_with('[') && arguments.given("SESSION_ID") && !arguments.is_value(given)) {
            target_value(given);
        }
    }
    const CLI::App* command = chosen_command(app);
    const std::vector<std::string> extras = app.remaining(true);
    if (!extras.empty()) {
        refuse_unrecognized(app, extras.front());
    }
    if (command == nullptr) {
        refuse(fmt::format("no command given; the commands are {} (try \"pgleash --help\")",
                           fmt::join(command_names(), ", ")));
    }
    const std::string name = full_name(*command);
    const auto word =
        std::find_if(words.begin(), words.end(), [&](const auto& w) { return name == w.name; });
    if (word == words.end()) {
        refuse(fmt::format("no command given after \"{0}\"; try \"pgleash {0} --help\"", name));
    }
    return read_options(app, *word, arguments);
}

}  // namespace

const CLI::App* chosen_command(const CLI::App& app) {
    const CLI::App* command = nullptr;
    for (const CLI::App* at = &app; !at->get_subcommands().empty();) {
        at = at->get_subcommands().front();
        command = at;
    }
    return command;
}

std::string full_name(const CLI::App& command) {
    const CLI::App* parent = command.get_parent();
    const bool in_group = parent != nullptr && parent->get_parent() != nullptr;
    return in_group ? full_name(*parent) + ' ' + command.get_name() : command.get_name();
}

ParsedCommandLine parse_command_line(const std::vector<std::string>& arguments_given) {
    CLI::App app("pgleash keeps PostgreSQL sessions on a leash.", "pgleash");
    const std::vector<CommandWord> words = command_words();
    Arguments arguments;
    // -h is the host, as in psql; CLI11 has to let go of it first.
    app.set_help_flag("-?,--help", "show this help");
    app.set_version_flag("-V,--version", "pgleash (pg_leash) " PGLEASH_VERSION, "show the version");
    app.fallthrough();
    app.require_subcommand(0, 1);
    add_global_options(app, arguments);
    add_commands(app, words, arguments);
    app.allow_extras();
    app.footer(kMainFooter);

    ParsedCommandLine parsed;
    try {
        parsed.options = parse_or_throw(app, words, arguments_given, arguments);
        if (parsed.options->command == Command::kCompletion) {
            parsed.output = completion_text(tree_of(app, arguments), parsed.options->shell);
            parsed.options.reset();
        }
    } catch (const CLI::CallForHelp&) {
        parsed.output = cleaned_help(app.help());
    } catch (const CLI::CallForVersion& version) {
        parsed.output = std::string(version.what()) + "\n";
    } catch (const CLI::ArgumentMismatch& error) {
        return usage_error(app, fmt::format("an option lacks its value ({})", error.what()));
    } catch (const CLI::ParseError& error) {
        return usage_error(app, error.what());
    } catch (const Failure& failure) {
        return usage_error(app, failure.what());
    }
    return parsed;
}

}  // namespace leash::tool
