// The options of health.
#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {
namespace {

constexpr const char* kFooter = R"(
For Nagios and its kin: the worst check first, performance data behind a bar,
then a line for each check. Exit status: 0 OK, 1 WARNING, 2 CRITICAL, 3 UNKNOWN,
which is also a wrong option, no answer in time, and no privilege. A server that
is full is CRITICAL.

VALUE is reached from below, or from above with a colon behind it: "0.9:" is for
what must not fall to 0.9. "off" takes a limit away. A table [health] in
~/.config/pgleash/config.toml, /etc/pgleash/config.toml or the file that
PGLEASH_CONFIG names can say the same; options win.)";

void declare_health(CLI::App* command, Arguments& arguments) {
    add_values(command, arguments, "warning", "--warning", "CHECK=VALUE",
               "limit for WARNING instead of the server's");
    add_values(command, arguments, "critical", "--critical", "CHECK=VALUE", "limit for CRITICAL");
    add_values(command, arguments, "only", "--only", "CHECK", "this check only (repeatable)");
    add_values(command, arguments, "skip", "--skip", "CHECK", "not this check (repeatable)");
    arguments.offer("skip", known_checks());
    arguments.offer("only", known_checks());
    add_value(command, arguments, "timeout", "--timeout", "SECONDS",
              "UNKNOWN after so long (default 10)");
    set_footer(command, kFooter);
}

void read_limits(HealthSettings& settings, const Arguments& arguments, HealthStatus level,
                 const std::string& name) {
    for (const std::string& text : arguments.values(name)) {
        settings.limits.push_back(parse_limit(level, "--" + name, text));
    }
}

void read_health(Options& options, const Arguments& arguments) {
    HealthSettings& health = options.health;
    read_limits(health, arguments, HealthStatus::kWarning, "warning");
    read_limits(health, arguments, HealthStatus::kCritical, "critical");
    health.only = arguments.values("only");
    health.skip = arguments.values("skip");
    if (const auto text = arguments.value("timeout")) {
        health.timeout_seconds = seconds_value("--timeout", *text);
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kHealth, "health", "check the server, for monitoring programs", declare_health,
     read_health},
};

}  // namespace

std::span<const CommandWord> health_commands() {
    return kCommands;
}

}  // namespace leash::tool
