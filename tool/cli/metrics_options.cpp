// The options of metrics.
#include "cli/command_words.h"
#include "cli/values.h"

namespace leash::tool {
namespace {

constexpr const char* kMetricsFooter = R"(
Prints what the server does as metrics in the text format of Prometheus, once.
With --output the file is replaced as a whole, for node exporter's textfile
collector. When the server cannot be asked, pg_leash_up is 0 and the exit
status 1. doc/metrics.md lists the metrics.)";

void declare_metrics(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "output", "-o,--output", "FILE",
              "file to write, NAME.prom (default: stdout)");
    add_metric_choices(command, arguments);
    set_footer(command, kMetricsFooter);
}

void read_metrics_options(Options& options, const Arguments& arguments) {
    if (options.format != Format::kTable) {
        refuse(
            "metrics are text for Prometheus; \"pgleash snapshot save FILE\" gives data as JSON");
    }
    options.output = arguments.value("output");
    if (options.output && *options.output != "-" && !options.output->ends_with(".prom")) {
        refuse(
            "--output wants a name that ends in .prom: node exporter's textfile collector "
            "reads no other");
    }
    read_metric_choices(options, arguments);
}

constexpr CommandWord kCommands[] = {
    {Command::kMetrics, "metrics", "the server in numbers, for Prometheus", declare_metrics,
     read_metrics_options},
};

}  // namespace

void add_metric_choices(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "top", "--top", "N", "applications told apart (default 50)");
    add_flag(command, arguments, "compatible", "--compatible",
             "also by the names of postgres_exporter");
}

void read_metric_choices(Options& options, const Arguments& arguments) {
    if (const auto text = arguments.value("top")) {
        options.metrics.top_applications = static_cast<std::size_t>(count_value("--top", *text));
    }
    options.metrics.compatibility = arguments.given("compatible");
}

std::span<const CommandWord> metrics_commands() {
    return kCommands;
}

}  // namespace leash::tool
