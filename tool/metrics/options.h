#pragma once

#include <cstddef>

namespace leash::tool {

inline constexpr std::size_t kTopApplications = 50;

struct MetricsOptions {
    /// Applications with labels of their own, those with the most sessions first; all
    /// others are summed up as `other`.  0: all are.
    std::size_t top_applications = kTopApplications;
    /// Also pg_up, pg_stat_activity_count and others of postgres_exporter, for rules that
    /// were written for it.
    bool compatibility = false;
};

}  // namespace leash::tool
