#include "health/checks.h"

#include <algorithm>
#include <array>
#include <charconv>
#include <cmath>
#include <cstdlib>

#include <fmt/format.h>

#include "cli/suggest.h"
#include "failure.h"

namespace leash::tool {
namespace {

// What servers of other versions, or without the extension, may not have: one set of
// limits may serve them all.
constexpr const char* kKnownNames[] = {
    "worker",  "policies",  "connections", "leaked",    "refused", "tracker",
    "blocked", "lock_wait", "xmin_age",    "cache_hit", "slow",    "exhaustion",
};

std::optional<double> number(const Cell& cell) {
    return cell ? std::optional(std::strtod(cell->c_str(), nullptr)) : std::nullopt;
}

HealthStatus status_of(const Cell& word) {
    return word == "ok"         ? HealthStatus::kOk
           : word == "warning"  ? HealthStatus::kWarning
           : word == "critical" ? HealthStatus::kCritical
                                : HealthStatus::kUnknown;
}

bool reaches(const Check& check, const std::optional<Limit>& limit) {
    return check.value && limit &&
           (limit->low_is_bad ? *check.value <= limit->value : *check.value >= limit->value);
}

bool is_low_bad(const Check& check) {
    return (check.warning && check.warning->low_is_bad) ||
           (check.critical && check.critical->low_is_bad);
}

HealthStatus by_limits(const Check& check) {
    return reaches(check, check.critical)  ? HealthStatus::kCritical
           : reaches(check, check.warning) ? HealthStatus::kWarning
                                           : HealthStatus::kOk;
}

// The order of harm is not that of the numbers: unknown hides something.
int severity(HealthStatus status) {
    constexpr std::array<int, 4> kSeverity = {0, 1, 3, 2};
    return kSeverity[static_cast<std::size_t>(status)];
}

bool contains(const std::vector<std::string>& names, const std::string& name) {
    return std::find(names.begin(), names.end(), name) != names.end();
}

std::vector<std::string> names_of(const std::vector<Check>& checks) {
    std::vector<std::string> names;
    for (const Check& check : checks) {
        names.push_back(check.name);
    }
    return names;
}

// Names are refused when no server has such a check, since a limit that is misspelt would
// watch nothing.
void require_known(const std::vector<std::string>& here, const std::string& name,
                   const std::string& origin) {
    if (contains(here, name) ||
        std::find(std::begin(kKnownNames), std::end(kKnownNames), name) != std::end(kKnownNames)) {
        return;
    }
    const std::string guess = closest_word(name, here);
    throw Failure(guess.empty() ? fmt::format("{}: there is no check \"{}\"; the checks are {}",
                                              origin, name, fmt::join(here, ", "))
                                : fmt::format("{}: there is no check \"{}\"; did you mean \"{}\"?",
                                              origin, name, guess));
}

void change(Check& check, const std::vector<LimitChange>& changes) {
    const bool unexplained = severity(check.status) > severity(by_limits(check));
    const bool low_is_bad = is_low_bad(check);
    bool changed = false;
    for (const LimitChange& change : changes) {
        if (change.check == check.name) {
            auto& limit = change.level == HealthStatus::kCritical ? check.critical : check.warning;
            limit = change.limit;
            if (limit) {
                limit->low_is_bad = limit->low_is_bad || low_is_bad;
            }
            changed = true;
        }
    }
    if (changed && check.value && !unexplained) {
        check.status = by_limits(check);
    }
}

}  // namespace

const char* name_of(HealthStatus status) {
    constexpr std::array<const char*, 4> kNames = {"OK", "WARNING", "CRITICAL", "UNKNOWN"};
    return kNames[static_cast<std::size_t>(status)];
}

std::vector<std::string> known_checks() {
    return {std::begin(kKnownNames), std::end(kKnownNames)};
}

LimitChange parse_limit_value(HealthStatus level, const std::string& check,
                              const std::string& origin, const std::string& value) {
    LimitChange change{check, level, std::nullopt, origin};
    if (value == "off") {
        return change;
    }
    std::string_view digits = value;
    const bool low_is_bad = digits.ends_with(':');
    digits.remove_suffix(low_is_bad ? 1 : 0);
    double number = 0;
    const auto [rest, error] =
        std::from_chars(digits.data(), digits.data() + digits.size(), number);
    if (error != std::errc() || rest != digits.data() + digits.size() || !std::isfinite(number)) {
        throw Failure(
            fmt::format("invalid limit \"{}\" for {}; write a number such as 0.9, with a colon "
                        "behind it where lower values are worse, or off",
                        value, origin),
            kExitUsage);
    }
    change.limit = Limit{number, low_is_bad};
    return change;
}

LimitChange parse_limit(HealthStatus level, const std::string& option, const std::string& text) {
    const std::size_t equals = text.find('=');
    if (equals == std::string::npos || equals == 0) {
        throw Failure(
            fmt::format("invalid value \"{}\" for {}; write CHECK=VALUE, such as connections=0.9",
                        text, option),
            kExitUsage);
    }
    return parse_limit_value(level, text.substr(0, equals), option, text.substr(equals + 1));
}

std::vector<Check> checks_of(const Dataset& data) {
    std::vector<Check> checks;
    for (const Row& row : data.rows) {
        Check& check = checks.emplace_back();
        check.name = cell_of(data, row, "check").value_or("");
        check.status = status_of(cell_of(data, row, "status"));
        check.value = number(cell_of(data, row, "value"));
        const auto warning = number(cell_of(data, row, "warning"));
        const auto critical = number(cell_of(data, row, "critical"));
        // What is worse at a lower value has its critical limit below the other.
        const bool low_is_bad = warning && critical && *critical < *warning;
        check.warning = warning ? std::optional(Limit{*warning, low_is_bad}) : std::nullopt;
        check.critical = critical ? std::optional(Limit{*critical, low_is_bad}) : std::nullopt;
        check.message = cell_of(data, row, "message").value_or("");
    }
    return checks;
}

std::vector<Check> examined(std::vector<Check> checks, const HealthSettings& settings) {
    const std::vector<std::string> here = names_of(checks);
    for (const LimitChange& limit : settings.limits) {
        require_known(here, limit.check, limit.origin);
    }
    for (const std::string& name : settings.skip) {
        require_known(here, name, "--skip");
    }
    for (const std::string& name : settings.only) {
        require_known(here, name, "--only");
        if (!contains(here, name)) {
            throw Failure(fmt::format("--only: this server has no check \"{}\"; it has {}", name,
                                      fmt::join(here, ", ")));
        }
    }
    std::erase_if(checks, [&](const Check& check) {
        return (!settings.only.empty() && !contains(settings.only, check.name)) ||
               contains(settings.skip, check.name);
    });
    for (Check& check : checks) {
        change(check, settings.limits);
    }
    std::stable_sort(checks.begin(), checks.end(), [](const Check& a, const Check& b) {
        return severity(a.status) > severity(b.status);
    });
    return checks;
}

HealthStatus worst_of(const std::vector<Check>& checks) {
    HealthStatus worst = checks.empty() ? HealthStatus::kUnknown : HealthStatus::kOk;
    for (const Check& check : checks) {
        worst = severity(check.status) > severity(worst) ? check.status : worst;
    }
    return worst;
}

}  // namespace leash::tool
