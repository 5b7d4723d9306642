#include "health/settings.h"

namespace leash::tool {
namespace {

constexpr std::string_view kWarning = "health.warning.";
constexpr std::string_view kCritical = "health.critical.";

// Later ones win, as those of the command line do.
std::vector<LimitChange> limits_of(const Settings& settings) {
    std::vector<LimitChange> limits;
    for (const SettingValue& value : settings.values()) {
        for (const auto& [prefix, level] : {std::pair(kWarning, HealthStatus::kWarning),
                                            std::pair(kCritical, HealthStatus::kCritical)}) {
            if (value.key.starts_with(prefix)) {
                limits.push_back(parse_limit_value(level, value.key.substr(prefix.size()),
                                                   value.place, value.text));
            }
        }
    }
    return limits;
}

}  // namespace

HealthSettings health_settings(const Settings& settings) {
    HealthSettings health;
    health.limits = limits_of(settings);
    if (const SettingValue* only = settings.find("health.only")) {
        health.only = only->items;
    }
    if (const SettingValue* skip = settings.find("health.skip")) {
        health.skip = skip->items;
    }
    if (const SettingValue* timeout = settings.find("health.timeout")) {
        health.timeout_seconds = static_cast<double>(timeout->number) / 1e6;
    }
    return health;
}

HealthSettings merged(HealthSettings settings, const HealthSettings& command_line) {
    settings.limits.insert(settings.limits.end(), command_line.limits.begin(),
                           command_line.limits.end());
    if (!command_line.only.empty()) {
        settings.only = command_line.only;
    }
    if (!command_line.skip.empty()) {
        settings.skip = command_line.skip;
    }
    if (command_line.timeout_seconds) {
        settings.timeout_seconds = command_line.timeout_seconds;
    }
    return settings;
}

}  // namespace leash::tool
