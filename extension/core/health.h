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

}  // namespace leash
