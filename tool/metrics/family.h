// One family of metrics on its way: values that come under the same labels become one.
#pragma once

#include <map>
#include <string>
#include <vector>

#include <prometheus/metric_family.h>

#include "metrics/sample.h"

namespace leash::tool {

struct FamilyInfo {
    const char* name;  ///< without the prefix
    prometheus::MetricType type;
    std::vector<const char*> labels;
    const char* help;
};

class FamilyBuilder {
public:
    explicit FamilyBuilder(FamilyInfo info, const char* prefix = "pg_leash_")
        : info_(std::move(info)), prefix_(prefix) {}

    using Values = std::vector<std::string>;

    /// Adds to what is there under these labels.
    void add(const Values& labels, double value) { values_[labels] += value; }
    /// Keeps the larger one.
    void raise(const Values& labels, double value);
    void add_histogram(const Values& labels, const Durations& durations);

    bool is_empty() const { return values_.empty() && histograms_.empty(); }
    prometheus::MetricFamily build() const;

private:
    prometheus::ClientMetric metric(const Values& labels) const;

    FamilyInfo info_;
    const char* prefix_;
    std::map<Values, double> values_;
    std::map<Values, prometheus::ClientMetric::Histogram> histograms_;
};

}  // namespace leash::tool
