// The checks of leash.health() as a monitor wants them: chosen, and judged by its own
// limits where it has any.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "render/dataset.h"

namespace leash::tool {

/// As exit status, what Nagios plugins mean by it.
enum class HealthStatus { kOk = 0, kWarning = 1, kCritical = 2, kUnknown = 3 };

/// "OK", "WARNING", "CRITICAL", "UNKNOWN".
const char* name_of(HealthStatus status);

/// Reached from below, or from above: a cache hit ratio is bad when it is low.
struct Limit {
    double value = 0;
    bool low_is_bad = false;
};

struct Check {
    std::string name;
    HealthStatus status = HealthStatus::kUnknown;
    std::optional<double> value;
    std::optional<Limit> warning;
    std::optional<Limit> critical;
    std::string message;
};

/// A limit that somebody wants instead of the server's.
struct LimitChange {
    std::string check;
    HealthStatus level = HealthStatus::kWarning;
    std::optional<Limit> limit;  ///< nullopt: none
    std::string origin;          ///< where it was written, for messages
};

struct HealthSettings {
    std::vector<LimitChange> limits;  ///< later ones win
    std::vector<std::string> only;    ///< empty: all
    std::vector<std::string> skip;
    std::optional<double> timeout_seconds;
};

/// "CHECK=VALUE"; VALUE is a number, with a colon behind it when lower values are worse
/// (as Nagios writes ranges), or "off".  Throws Failure with kExitUsage.
LimitChange parse_limit(HealthStatus level, const std::string& option, const std::string& text);

/// Only the part behind the equals sign.
LimitChange parse_limit_value(HealthStatus level, const std::string& check,
                              const std::string& origin, const std::string& value);

/// Checks that some server has.
std::vector<std::string> known_checks();

/// Rows of Listing::kHealth.
std::vector<Check> checks_of(const Dataset& data);

/// Chooses, judges by the changed limits, and puts the worst first.  A check that is worse
/// than its own limits explain stays so: a worker that fails is no matter of lateness.
/// Throws Failure when a check is named that does not exist.
std::vector<Check> examined(std::vector<Check> checks, const HealthSettings& settings);

/// The worst of them; kUnknown when there are none.
HealthStatus worst_of(const std::vector<Check>& checks);

}  // namespace leash::tool
