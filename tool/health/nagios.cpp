#include "health/nagios.h"

#include <algorithm>

#include <fmt/format.h>

#include "render/text.h"

namespace leash::tool {
namespace {

// A bar would begin performance data.
std::string plain(const std::string& text) {
    std::string out = printable(text, {.collapse_space = true});
    std::replace(out.begin(), out.end(), '|', '/');
    return out;
}

std::string number(const std::optional<double>& value) {
    return value ? fmt::format("{}", *value) : std::string();
}

std::string label(const std::string& name) {
    constexpr const char* kPlain =
        "abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789_-.";
    std::string text = plain(name);
    if (text.find_first_not_of(kPlain) == std::string::npos) {
        return text;
    }
    std::erase_if(text, [](char c) { return c == '\'' || c == '='; });
    return '\'' + text + '\'';
}

// "0.9:" is Nagios's range for what must not fall below.
std::string text_of(const std::optional<Limit>& limit) {
    return limit ? fmt::format("{}{}", limit->value, limit->low_is_bad ? ":" : "") : "";
}

std::string details(const Check& check) {
    std::string out = check.value ? "value " + number(check.value) : std::string();
    for (const auto& [name, limit] :
         {std::pair("warning", check.warning), std::pair("critical", check.critical)}) {
        if (limit) {
            out += fmt::format("{}{} {}", out.empty() ? "" : ", ", name, text_of(limit));
        }
    }
    return out.empty() ? out : " (" + out + ")";
}

std::string headline(const std::vector<Check>& checks) {
    const Check& worst = checks.front();
    if (worst.status == HealthStatus::kOk) {
        return fmt::format("{} check{} passed: {}", checks.size(), checks.size() == 1 ? "" : "s",
                           plain(worst.message));
    }
    const auto bad = std::count_if(checks.begin(), checks.end(), [](const Check& check) {
        return check.status != HealthStatus::kOk;
    });
    const std::string others =
        bad == 1 ? std::string()
                 : fmt::format(" (and {} more of {} checks)", bad - 1, checks.size());
    return fmt::format("{}: {}{}", plain(worst.name), plain(worst.message), others);
}

}  // namespace

std::string performance_data(const std::vector<Check>& checks) {
    std::string out;
    for (const Check& check : checks) {
        if (check.value) {
            out +=
                fmt::format("{}{}={};{};{};0", out.empty() ? "" : " ", label(check.name),
                            number(check.value), text_of(check.warning), text_of(check.critical));
        }
    }
    return out;
}

std::string nagios_line(HealthStatus status, const std::string& message) {
    return fmt::format("PGLEASH {} - {}\n", name_of(status), plain(message));
}

std::string nagios_text(const std::vector<Check>& checks) {
    if (checks.empty()) {
        return nagios_line(HealthStatus::kUnknown, "there is nothing to check");
    }
    const std::string data = performance_data(checks);
    std::string out = fmt::format("PGLEASH {} - {}{}{}\n", name_of(worst_of(checks)),
                                  headline(checks), data.empty() ? "" : " | ", data);
    for (const Check& check : checks) {
        out += fmt::format("{} {}: {}{}\n", name_of(check.status), plain(check.name),
                           plain(check.message), details(check));
    }
    return out;
}

}  // namespace leash::tool
