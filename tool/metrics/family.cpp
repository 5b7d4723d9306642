#include "metrics/family.h"

#include <algorithm>
#include <cmath>

namespace leash::tool {

void FamilyBuilder::raise(const Values& labels, double value) {
    const auto [at, is_new] = values_.try_emplace(labels, value);
    if (!is_new) {
        at->second = std::max(at->second, value);
    }
}

// All histograms of a family have the same bounds.
void FamilyBuilder::add_histogram(const Values& labels, const Durations& durations) {
    prometheus::ClientMetric::Histogram& sum = histograms_[labels];
    sum.bucket.resize(std::max(sum.bucket.size(), durations.buckets.size()));
    for (std::size_t i = 0; i < durations.buckets.size(); ++i) {
        sum.bucket[i].upper_bound = durations.buckets[i].at_most;
        sum.bucket[i].cumulative_count += durations.buckets[i].samples;
    }
    sum.sample_count += durations.buckets.empty() ? 0 : durations.buckets.back().samples;
    sum.sample_sum += durations.total;
}

prometheus::ClientMetric FamilyBuilder::metric(const Values& labels) const {
    prometheus::ClientMetric metric;
    for (std::size_t i = 0; i < info_.labels.size(); ++i) {
        metric.label.push_back({info_.labels[i], labels[i]});
    }
    return metric;
}

prometheus::MetricFamily FamilyBuilder::build() const {
    prometheus::MetricFamily family;
    family.name = std::string(prefix_) + info_.name;
    family.help = info_.help;
    family.type = info_.type;
    for (const auto& [labels, value] : values_) {
        prometheus::ClientMetric one = metric(labels);
        (info_.type == prometheus::MetricType::Counter ? one.counter.value : one.gauge.value) =
            value;
        family.metric.push_back(std::move(one));
    }
    for (const auto& [labels, histogram] : histograms_) {
        prometheus::ClientMetric one = metric(labels);
        one.histogram = histogram;
        family.metric.push_back(std::move(one));
    }
    return family;
}

}  // namespace leash::tool
