// metrics: one scrape, in the text format of Prometheus.
#include <chrono>

#include <fmt/format.h>

#include "commands/commands.h"
#include "metrics/collect.h"
#include "metrics/read_sql.h"
#include "metrics/text.h"
#include "new_file.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;

struct Scrape {
    std::string text;
    std::string error;  ///< empty: it worked
};

void note_old_objects(const ServerInfo& server) {
    if (server.extension_version && !server.over_control_socket && !has_metrics_objects(server)) {
        write_note(fmt::format(
            "the extension pg_leash in database \"{}\" is {}: histograms and "
            "pg_leash_reaped_sessions_total need {}; run there: ALTER EXTENSION pg_leash UPDATE",
            server.database, *server.extension_version, kMetricsExtensionVersion));
    }
}

std::string metrics_of(const Options& options) {
    const std::unique_ptr<Source> source = open_source(options);
    try {
        note_old_objects(source->server());
    } catch (const QueryError& error) {
        throw source->explain(error, Purpose::kReading);
    }
    return metrics_text(collect_metrics(*source, options.metrics));
}

// A server that cannot be asked is news, too.
Scrape scrape(const Options& options) {
    const Clock::time_point begun = Clock::now();
    try {
        return {metrics_of(options), ""};
    } catch (const std::exception& error) {
        return {metrics_text(failed_metrics(error, Clock::now() - begun, options.metrics)),
                error.what()};
    }
}

}  // namespace

int run_metrics(const Options& options) {
    const Scrape result = scrape(options);
    if (options.output && *options.output != "-") {
        write_file(*options.output, result.text, Readers::all);
    } else {
        write_output(result.text);
    }
    if (!result.error.empty()) {
        write_error(result.error);
        return kExitFailure;
    }
    return kExitDone;
}

}  // namespace leash::tool
