// Metrics by the names of postgres_exporter, so that rules which were written for it go on.
#pragma once

#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/labels.h"
#include "metrics/sample.h"

namespace leash::tool {

std::vector<prometheus::MetricFamily> compatible_families(const MetricsSample& sample,
                                                          const LabelSpace& labels);

/// pg_up.
prometheus::MetricFamily compatible_up(bool up);

}  // namespace leash::tool
