#include "serve/pages.h"

#include <utility>
#include <vector>

#include "health/document.h"
#include "health/read.h"
#include "metrics/collect.h"
#include "metrics/text.h"

namespace leash::tool {
namespace {

using Clock = std::chrono::steady_clock;

constexpr auto kFreshFor = std::chrono::seconds(1);
constexpr const char* kJson = "application/json";
constexpr const char* kText = "text/plain; charset=utf-8";
constexpr const char* kMetrics = "/metrics";
constexpr const char* kHealth = "/healthz";

struct Examination {
    ServerInfo server;
    std::vector<Check> checks;
};

Examination examine(Source& source, double seconds) {
    try {
        const ServerInfo server = source.server();
        return {server, read_checks(source, server, seconds)};
    } catch (const QueryError& error) {
        throw source.explain(error, Purpose::kReading);
    }
}

// 503 is for what somebody must see to now, and for not knowing.
int http_status(HealthStatus status) {
    return status == HealthStatus::kOk || status == HealthStatus::kWarning ? 200 : 503;
}

HttpAnswer unknown(HealthStatus status, const std::string& why) {
    return {http_status(status), kJson, health_document(status, why)};
}

}  // namespace

Pages::Pages(const Options& options, double seconds)
    : metrics_options_(options.metrics),
      health_settings_(options.health),
      seconds_(seconds),
      server_(options, seconds) {}

HttpAnswer Pages::page(const std::string& path) {
    if (path != kMetrics && path != kHealth) {
        return {404, kText, "here are /metrics and /healthz\n"};
    }
    Recent& recent = recent_[path];
    if (recent.answer.body.empty() || Clock::now() - recent.made >= kFreshFor) {
        recent.answer = path == kMetrics ? metrics() : health();
        recent.made = Clock::now();
    }
    return recent.answer;
}

HttpAnswer Pages::metrics() {
    const Clock::time_point begun = Clock::now();
    std::vector<prometheus::MetricFamily> families;
    try {
        server_.ask([&](Source& source) { families = collect_metrics(source, metrics_options_); });
    } catch (const std::exception& error) {
        families = failed_metrics(error, Clock::now() - begun, metrics_options_);
    }
    return {200, kMetricsContentType, metrics_text(families)};
}

HttpAnswer Pages::health() {
    try {
        Examination found;
        server_.ask([&](Source& source) { found = examine(source, seconds_); });
        const std::vector<Check> checks = examined(std::move(found.checks), health_settings_);
        return {http_status(worst_of(checks)), kJson, health_document(found.server, checks)};
    } catch (const ServerFull& full) {
        return unknown(HealthStatus::kCritical, full.what());
    } catch (const std::exception& error) {
        return unknown(HealthStatus::kUnknown, error.what());
    }
}

}  // namespace leash::tool
