// Metrics in the text format of Prometheus.
#pragma once

#include <string>
#include <vector>

#include <prometheus/metric_family.h>

namespace leash::tool {

/// The content type of metrics_text() over HTTP.
inline constexpr const char* kMetricsContentType = "text/plain; version=0.0.4; charset=utf-8";

/// Version 0.0.4 of the format: HELP, TYPE and samples of each family that has any, in
/// their order.  Always valid UTF-8, whatever names the server gave.
std::string metrics_text(const std::vector<prometheus::MetricFamily>& families);

}  // namespace leash::tool
