// What a server is doing, as metrics for Prometheus.  doc/metrics.md lists them.
#pragma once

#include <chrono>
#include <exception>
#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/options.h"
#include "source/source.h"

namespace leash::tool {

/// One scrape: a few queries, or questions to the worker's socket when the server is full.
/// There are families as far as the source knows: all with the extension, fewer with its
/// version 1.0, over the socket or without the extension.  pg_leash_up is 1 among them.
///
/// Throws Failure, one line with the remedy, when the server did not answer or refused;
/// a source whose connection is gone is of no more use then.  Nothing of a scrape is kept
/// in between: sources may come and go, and each call is on its own.
std::vector<prometheus::MetricFamily> collect_metrics(Source& source,
                                                      const MetricsOptions& options);

/// What to show instead when open_source() or collect_metrics() threw: pg_leash_up 0,
/// pg_leash_last_scrape_error 1, and pg_leash_server_full 1 when the error is a ServerFull.
/// took: how long it was tried.
std::vector<prometheus::MetricFamily> failed_metrics(const std::exception& error,
                                                     std::chrono::duration<double> took,
                                                     const MetricsOptions& options);

}  // namespace leash::tool
