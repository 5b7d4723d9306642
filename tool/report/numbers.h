// Numbers, durations and times as people read them in a report.
#pragma once

#include <cstdint>
#include <optional>
#include <string>

#include "evidence/fields.h"

namespace leash::tool {

/// "1,234,567".
std::string count_text(std::int64_t count);

/// With as many digits as matter: "0.04", "3.7", "128", "12.3k", "4.56M".
std::string amount_text(double amount);

/// A share of 0 to 1: "93.4 %".
std::string percent_text(double share);

/// "12d 4h", "3.2s".
std::string length_text(Seconds seconds);

/// "-" when it is not known.
std::string known_count(const std::optional<std::int64_t>& count);
std::string known_amount(const std::optional<double>& amount);
std::string known_percent(const std::optional<double>& share);
std::string known_length(const std::optional<Seconds>& seconds);

/// "Tue 12 May 2026 14:05", in UTC.
std::string moment_text(Instant instant);
/// Without the year: "Tue 12 May 14:05".
std::string minute_text(std::int64_t minute);
/// "Tue 12 May".
std::string day_text(std::int64_t minute);
/// "14:05".
std::string clock_text(std::int64_t minute);

/// "1 session", "12 sessions".
std::string number_of(std::int64_t count, const std::string& noun);

}  // namespace leash::tool
