// What a value means, held against two limits.
#pragma once

#include <cstdint>

namespace leash {

enum class Health : uint8_t { ok, warning, critical };

constexpr const char* name_of(Health health) {
    switch (health) {
        case Health::warning:
            return "warning";
        case Health::critical:
            return "critical";
        case Health::ok:
            break;
    }
    return "ok";
}

inline constexpr double kNoLimit = -1;  // no value is

// Where the critical limit is below the warning, low values are bad.  A value that is a
// limit has reached it.
constexpr Health judge_value(double value, double warning, double critical) {
    const bool low_is_bad = critical != kNoLimit && warning != kNoLimit && critical < warning;
    const auto reaches = [&](double limit) {
        return limit != kNoLimit && (low_is_bad ? value <= limit : value >= limit);
    };
    if (reaches(critical)) {
        return Health::critical;
    }
    return reaches(warning) ? Health::warning : Health::ok;
}

// The limits of a check.
struct HealthLimits {
    double warning;
    double critical;
};

constexpr Health judge_value(double value, const HealthLimits& limits) {
    return judge_value(value, limits.warning, limits.critical);
}

// Those of leash.health(), which the tool goes by as well where there is no extension.
inline constexpr HealthLimits kConnectionLimits{0.8, 0.95};  // of what ordinary roles can take
inline constexpr HealthLimits kRefusedLimits{1, 10};
inline constexpr HealthLimits kTrackerLimits{1, kNoLimit};
inline constexpr HealthLimits kBlockedLimits{5, 20};    // sessions
inline constexpr HealthLimits kLockWaitLimits{10, 60};  // seconds
inline constexpr HealthLimits kXminAgeLimits{10'000'000, 100'000'000};
inline constexpr HealthLimits kCacheHitLimits{0.8, 0.5};
inline constexpr HealthLimits kSlowLimits{0.05, 0.25};
inline constexpr HealthLimits kExhaustionLimits{3'600, 600};  // seconds

constexpr HealthLimits leaked_limits(int64_t usable_connections) {
    const int64_t half = usable_connections / 2;
    return {1, static_cast<double>(half > 2 ? half : 2)};
}

inline constexpr uint64_t kBlockedFor = 1'000'000'000;  // ns; shorter waits belong to work
inline constexpr uint64_t kEnoughBlocks = 10'000;       // for their share to tell something

// A share in thousandths, rounded down, as it is shown.
constexpr double share_of(uint64_t part, uint64_t whole) {
    const uint64_t thousandths = part * 1000 / (whole > 0 ? whole : 1);
    return static_cast<double>(thousandths) / 1000.0;
}

}  // namespace leash
