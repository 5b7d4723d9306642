// The options of serve.
#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {
namespace {

constexpr const char* kServeFooter = R"(
Answers GET /metrics (for Prometheus) and GET /healthz (the checks of "pgleash
health" as JSON: 200, or 503 when one is critical or nothing is known) until it
is told to end, by one connection that it keeps. A server that is not there is
pg_leash_up 0. An answer is used again for a second.

There is neither encryption nor a password: to be reached from elsewhere, put a
proxy in front. doc/monitoring.md has a unit for systemd, alert rules and a
dashboard.)";

void declare_serve(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "listen", "--listen", "ADDRESS:PORT",
              "where to listen (default 127.0.0.1:19187);\n[::1]:19187 for IPv6, port 0 for any");
    add_value(command, arguments, "timeout", "--timeout", "SECONDS",
              "no statement takes longer (default 5)");
    add_value(command, arguments, "client-timeout", "--client-timeout", "SECONDS",
              "a client has so long to ask (default 5)");
    add_metric_choices(command, arguments);
    set_footer(command, kServeFooter);
}

void read_serve(Options& options, const Arguments& arguments) {
    if (options.connection.prompt == PasswordPrompt::kAlways) {
        refuse("serve cannot ask for a password; keep it in ~/.pgpass or in a service file");
    }
    if (const auto text = arguments.value("listen")) {
        options.serve.listen = parse_listen_address("--listen", *text);
    }
    if (const auto text = arguments.value("timeout")) {
        options.serve.timeout_seconds = seconds_value("--timeout", *text);
    }
    if (const auto text = arguments.value("client-timeout")) {
        options.serve.client_timeout_seconds = seconds_value("--client-timeout", *text);
    }
    read_metric_choices(options, arguments);
}

constexpr CommandWord kCommands[] = {
    {Command::kServe, "serve", "metrics and health over HTTP, for Prometheus", declare_serve,
     read_serve},
};

}  // namespace

std::span<const CommandWord> serve_commands() {
    return kCommands;
}

}  // namespace leash::tool
