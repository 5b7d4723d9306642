#include "advice/settings.h"

#include <algorithm>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "advice/setting_rules.h"

namespace leash::tool {
namespace {

constexpr double kMinute = 60;
constexpr double kHour = 60 * kMinute;
constexpr double kDay = 24 * kHour;

const SettingFacts* find_setting(const Evidence& evidence, std::string_view name) {
    const auto found =
        std::find_if(evidence.settings.begin(), evidence.settings.end(),
                     [&](const SettingFacts& setting) { return setting.name == name; });
    return found == evidence.settings.end() ? nullptr : &*found;
}

// Of the session that looked, or of its role: not what others have.
bool is_own(const SettingFacts& setting) {
    constexpr std::string_view kOwn[] = {"user", "database", "database user", "client", "session"};
    return std::find(std::begin(kOwn), std::end(kOwn), setting.source) != std::end(kOwn);
}

}  // namespace

std::optional<double> server_setting(const Evidence& evidence, std::string_view name) {
    const SettingFacts* const setting = find_setting(evidence, name);
    if (setting == nullptr || is_own(*setting)) {
        return std::nullopt;
    }
    char* end = nullptr;
    const double value = std::strtod(setting->setting.c_str(), &end);
    return end == setting->setting.c_str() || *end != '\0' ? std::nullopt : std::optional(value);
}

bool is_default(const Evidence& evidence, std::string_view name) {
    const SettingFacts* const setting = find_setting(evidence, name);
    return setting != nullptr && setting->source == "default";
}

std::optional<std::string> role_setting(const Evidence& evidence, const std::string& role,
                                        std::string_view name) {
    std::optional<std::string> found;
    for (const RoleSettingFacts& setting : evidence.role_settings) {
        if (setting.name == name && (setting.usename.empty() || setting.usename == role)) {
            found = setting.setting;
        }
    }
    return found;
}

std::string setting_text(double seconds) {
    const auto whole = std::max(std::llround(seconds), 1LL);
    const auto in = [&](double unit) { return static_cast<long long>(unit); };
    if (whole % in(kDay) == 0) {
        return fmt::format("{}d", whole / in(kDay));
    }
    if (whole % in(kHour) == 0) {
        return fmt::format("{}h", whole / in(kHour));
    }
    if (whole % in(kMinute) == 0) {
        return fmt::format("{}min", whole / in(kMinute));
    }
    return fmt::format("{}s", whole);
}

double round_duration(double seconds) {
    constexpr double kSteps[] = {kMinute,   5 * kMinute, 10 * kMinute, 30 * kMinute, kHour,
                                 2 * kHour, 4 * kHour,   8 * kHour,    kDay};
    for (const double step : kSteps) {
        if (seconds <= step) {
            return step;
        }
    }
    return kDay * std::ceil(seconds / kDay);
}

std::vector<SettingAdvice> advise_settings(const Evidence& evidence, const PoolPlan& plan) {
    SettingList list;
    advise_tracking(evidence, list);
    advise_idle_in_transaction(evidence, list);
    advise_idle_session(evidence, list);
    advise_ping_only(evidence, list);
    advise_peers(evidence, list);
    advise_transaction_timeout(evidence, list);
    advise_node_clients(evidence, list);
    advise_reserve(evidence, list);
    advise_role_limits(evidence, plan, list);
    advise_max_connections(evidence, plan, list);
    advise_shared_buffers(evidence, list);
    advise_work_mem(evidence, list);
    return list;
}

}  // namespace leash::tool
