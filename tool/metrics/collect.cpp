#include "metrics/collect.h"

#include "connection/control_socket.h"
#include "metrics/compatibility.h"
#include "metrics/families.h"
#include "metrics/read_rows.h"
#include "metrics/read_sql.h"

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;
using FloatSeconds = std::chrono::duration<double>;

constexpr const char* kUp = "Whether the server answered.";

std::vector<prometheus::MetricFamily> scrape_families(bool worked, FloatSeconds took) {
    return {single_metric("up", kUp, worked ? 1 : 0),
            single_metric("last_scrape_error", "Whether the scrape failed.", worked ? 0 : 1),
            single_metric("scrape_duration_seconds", "How long it took to ask the server.",
                          took.count())};
}

MetricsSample sample_of(Source& source, const MetricsOptions& options) {
    const ServerInfo server = source.server();
    if (server.over_control_socket || server.agentless) {
        return sample_rows(source, server);
    }
    return read_metrics(source.connection(), server, options);
}

MetricsSample sample_or_fail(Source& source, const MetricsOptions& options) {
    try {
        return sample_of(source, options);
    } catch (const QueryError& error) {
        throw source.explain(error, Purpose::kReading);
    } catch (const ControlError& error) {
        throw Failure(error.what());
    }
}

void append(std::vector<prometheus::MetricFamily>& to,
            std::vector<prometheus::MetricFamily> families) {
    for (prometheus::MetricFamily& family : families) {
        to.push_back(std::move(family));
    }
}

}  // namespace

std::vector<prometheus::MetricFamily> collect_metrics(Source& source,
                                                      const MetricsOptions& options) {
    const Clock::time_point begun = Clock::now();
    const MetricsSample sample = sample_or_fail(source, options);
    std::vector<prometheus::MetricFamily> families = scrape_families(true, Clock::now() - begun);
    families.push_back(build_info(sample.server_version, sample.extension_version));
    append(families, metric_families(sample, options));
    return families;
}

std::vector<prometheus::MetricFamily> failed_metrics(const std::exception& error,
                                                     std::chrono::duration<double> took,
                                                     const MetricsOptions& options) {
    std::vector<prometheus::MetricFamily> families = scrape_families(false, took);
    families.push_back(build_info("", ""));
    if (dynamic_cast<const ServerFull*>(&error) != nullptr) {
        families.push_back(single_metric("server_full", kServerFullHelp, 1));
    }
    if (options.compatibility) {
        families.push_back(compatible_up(false));
    }
    return families;
}

}  // namespace leash::tool
