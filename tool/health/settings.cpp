#include "health/settings.h"

#include <fmt/format.h>

#include "failure.h"

namespace leash::tool {
namespace {

// A limit is a number, or a text for what a number cannot say: "0.9:", "off".
void read_limits(ConfigTable table, HealthStatus level, std::vector<LimitChange>& limits) {
    for (const std::string& key : table.keys()) {
        const std::string origin = table.place(key);
        if (table.is_text(key)) {
            try {
                limits.push_back(parse_limit_value(level, key, key, *table.text(key)));
            } catch (const Failure& failure) {
                throw Failure(fmt::format("{}: {}", origin, failure.what()));
            }
            limits.back().origin = origin;
        } else {
            limits.push_back({key, level, Limit{*table.number(key), false}, origin});
        }
    }
}

}  // namespace

HealthSettings read_health_settings(ConfigTable table) {
    HealthSettings settings;
    read_limits(table.table("warning"), HealthStatus::kWarning, settings.limits);
    read_limits(table.table("critical"), HealthStatus::kCritical, settings.limits);
    settings.only = table.texts("only").value_or(settings.only);
    settings.skip = table.texts("skip").value_or(settings.skip);
    if (const auto timeout = table.duration("timeout")) {
        if (*timeout == 0) {
            throw Failure(fmt::format("{}: timeout: it must not be zero", table.place("timeout")));
        }
        settings.timeout_seconds = static_cast<double>(*timeout) / 1e6;
    }
    table.refuse_others();
    return settings;
}

HealthSettings merged(HealthSettings file, const HealthSettings& command_line) {
    file.limits.insert(file.limits.end(), command_line.limits.begin(), command_line.limits.end());
    if (!command_line.only.empty()) {
        file.only = command_line.only;
    }
    if (!command_line.skip.empty()) {
        file.skip = command_line.skip;
    }
    if (command_line.timeout_seconds) {
        file.timeout_seconds = command_line.timeout_seconds;
    }
    return file;
}

}  // namespace leash::tool
