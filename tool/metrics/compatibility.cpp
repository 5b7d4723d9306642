#include "metrics/compatibility.h"

#include "metrics/family.h"

namespace leash::tool {
namespace {

constexpr auto kGauge = prometheus::MetricType::Gauge;
constexpr const char* kPrefix = "pg_";

std::vector<const char*> activity_labels() {
    return {"datname", "usename", "application_name", "state"};
}

void keep_setting(std::vector<prometheus::MetricFamily>& families, const char* name,
                  const char* help, const std::optional<std::int64_t>& value) {
    if (value) {
        FamilyBuilder family({name, kGauge, {}, help}, kPrefix);
        family.add({}, static_cast<double>(*value));
        families.push_back(family.build());
    }
}

}  // namespace

std::vector<prometheus::MetricFamily> compatible_families(const MetricsSample& sample,
                                                          const LabelSpace& labels) {
    FamilyBuilder count({"stat_activity_count", kGauge, activity_labels(),
                         "Sessions by state, as postgres_exporter names them."},
                        kPrefix);
    FamilyBuilder duration({"stat_activity_max_tx_duration", kGauge, activity_labels(),
                            "Age of the oldest open transaction in seconds."},
                           kPrefix);
    for (const SessionGroup& group : sample.sessions) {
        const Origin of = labels.shown(group.of).of;
        const FamilyBuilder::Values values = {of.datname, of.usename, of.application_name,
                                              group.state};
        count.add(values, static_cast<double>(group.sessions));
        duration.raise(values, group.xact_max.value_or(0));
    }
    FamilyBuilder version({"static", kGauge, {"short_version"}, "Version of the server."}, kPrefix);
    version.add({sample.server_version}, 1);
    std::vector<prometheus::MetricFamily> families = {compatible_up(true)};
    for (const FamilyBuilder* family : {&count, &duration, &version}) {
        if (!family->is_empty()) {
            families.push_back(family->build());
        }
    }
    keep_setting(families, "settings_max_connections", "Server parameter max_connections.",
                 sample.slots.max);
    keep_setting(families, "settings_superuser_reserved_connections",
                 "Server parameter superuser_reserved_connections.",
                 sample.slots.superuser_reserved);
    return families;
}

prometheus::MetricFamily compatible_up(bool up) {
    FamilyBuilder family({"up", kGauge, {}, "Whether the server answered."}, kPrefix);
    family.add({}, up ? 1 : 0);
    return family.build();
}

}  // namespace leash::tool
