// A sample as families of metrics.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/options.h"
#include "metrics/sample.h"

namespace leash::tool {

/// Those without a value are left out.
std::vector<prometheus::MetricFamily> metric_families(const MetricsSample& sample,
                                                      const MetricsOptions& options);

inline constexpr const char* kServerFullHelp =
    "Whether ordinary roles find every connection slot taken.";

/// One value without labels.
prometheus::MetricFamily single_metric(const char* name, const char* help, double value);

/// Which pgleash asked which server; versions that are not known are empty.
prometheus::MetricFamily build_info(const std::string& server_version,
                                    const std::string& extension_version);

}  // namespace leash::tool
