// A sample from a server that has the extension.
#pragma once

#include "connection/server.h"
#include "metrics/options.h"
#include "metrics/sample.h"

namespace leash::tool {

/// The first version of the SQL objects with histograms and totals of decisions.
inline constexpr const char* kMetricsExtensionVersion = "1.1";

bool has_metrics_objects(const ServerInfo& server);

/// Throws QueryError.
MetricsSample read_metrics(Connection& connection, const ServerInfo& server,
                           const MetricsOptions& options);

}  // namespace leash::tool
