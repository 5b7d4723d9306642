// For servers without the extension.
#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {

void add_agentless_options(CLI::App* app, Arguments& arguments) {
    set_group(app, "Without the extension");
    add_flag(app, arguments, "agentless", "--agentless",
             "do not use pg_leash, even if it is there");
    add_value(app, arguments, "idle-threshold", "--idle-threshold", "DURATION",
              "idle too long (default 10min)");
    add_value(app, arguments, "idle-in-transaction-threshold", "--idle-in-transaction-threshold",
              "DURATION", "likewise (1min)");
    add_value(app, arguments, "never-used-threshold", "--never-used-threshold", "DURATION",
              "likewise (10min)");
    add_value(app, arguments, "stalled-client-threshold", "--stalled-client-threshold", "DURATION",
              "likewise (1min)");
    add_value(app, arguments, "slow-statement-threshold", "--slow-statement-threshold", "DURATION",
              "slow in the mean of pg_stat_statements (1s)");
}

void read_agentless(Options& options, const Arguments& arguments) {
    options.agentless = arguments.given("agentless");
    const auto read = [&](const std::string& name, std::optional<std::int64_t>& threshold) {
        if (const auto text = arguments.value(name)) {
            threshold = duration_value("--" + name, *text);
        }
    };
    ChosenThresholds& thresholds = options.thresholds;
    read("idle-threshold", thresholds.idle);
    read("idle-in-transaction-threshold", thresholds.idle_in_transaction);
    read("never-used-threshold", thresholds.never_used);
    read("stalled-client-threshold", thresholds.stalled_client);
    read("slow-statement-threshold", thresholds.slow_statement);
}

}  // namespace leash::tool
