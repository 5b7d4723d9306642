#include "metrics/text.h"

#include <prometheus/text_serializer.h>

#include "render/text.h"

namespace leash::tool {

std::string metrics_text(const std::vector<prometheus::MetricFamily>& families) {
    std::vector<prometheus::MetricFamily> filled;
    for (const prometheus::MetricFamily& family : families) {
        if (family.metric.empty()) {
            continue;
        }
        prometheus::MetricFamily& copy = filled.emplace_back(family);
        for (prometheus::ClientMetric& metric : copy.metric) {
            for (auto& label : metric.label) {
                label.value = valid_utf8(label.value);
            }
        }
    }
    const prometheus::TextSerializer text;
    const prometheus::Serializer& serializer = text;
    return serializer.Serialize(filled);
}

}  // namespace leash::tool
