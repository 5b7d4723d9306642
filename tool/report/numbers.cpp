#include "report/numbers.h"

#include <array>
#include <cmath>
#include <ctime>

#include <fmt/format.h>

#include "core/duration.h"

namespace leash::tool {
namespace {

constexpr const char* kNotKnown = "-";

std::string time_text(std::int64_t seconds, const char* format) {
    const auto time = static_cast<std::time_t>(seconds);
    std::tm parts{};
    // Years that do not fit are none of a server.
    if (gmtime_r(&time, &parts) == nullptr) {
        return kNotKnown;
    }
    std::array<char, 64> text{};
    return {text.data(), strftime(text.data(), text.size(), format, &parts)};
}

std::int64_t floor_seconds(Instant instant) {
    constexpr std::int64_t second = 1'000'000;
    return instant.us / second - (instant.us % second < 0 ? 1 : 0);
}

std::string with_digits(double amount) {
    const int decimals = std::abs(amount) < 9.995 ? 2 : std::abs(amount) < 99.95 ? 1 : 0;
    std::string text = fmt::format("{:.{}f}", amount, decimals);
    if (decimals > 0) {
        text.erase(text.find_last_not_of('0') + 1);
        if (text.back() == '.') {
            text.pop_back();
        }
    }
    return text == "-0" ? "0" : text;
}

}  // namespace

std::string count_text(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3; at -= 3) {
        digits.insert(at - 3, 1, ',');
    }
    return digits;
}

std::string amount_text(double amount) {
    if (!std::isfinite(amount)) {
        return kNotKnown;
    }
    constexpr std::array<const char*, 5> units = {"", "k", "M", "G", "T"};
    std::size_t unit = 0;
    // Four digits are as short as three and a unit.
    while (std::abs(amount) >= (unit == 0 ? 9999.5 : 999.5) && unit + 1 < units.size()) {
        amount /= 1000;
        ++unit;
    }
    if (unit == 0 && std::abs(amount) >= 999.5) {
        return count_text(std::llround(amount));
    }
    return with_digits(amount) + units[unit];
}

std::string percent_text(double share) {
    const double percent = share * 100;
    // Neither hides the exception: 99.96 is not all of it, 0.04 is not nothing.
    if (percent > 99.9 && percent < 100) {
        return fmt::format("{:.2f} %", std::min(percent, 99.99));
    }
    if (percent > 0 && percent < 0.1) {
        return fmt::format("{:.2f} %", std::max(percent, 0.01));
    }
    return with_digits(std::round(percent * 10) / 10) + " %";
}

std::string length_text(Seconds seconds) {
    const double us = seconds.value * 1e6;
    if (!(us >= 0 && us <= static_cast<double>(kMaxDurationUs))) {
        return kNotKnown;
    }
    std::array<char, kDurationTextSize> buffer{};
    const std::size_t length = format_duration(std::llround(us), buffer.data(), buffer.size());
    return {buffer.data(), length};
}

std::string known_count(const std::optional<std::int64_t>& count) {
    return count ? count_text(*count) : kNotKnown;
}
std::string known_amount(const std::optional<double>& amount) {
    return amount ? amount_text(*amount) : kNotKnown;
}
std::string known_percent(const std::optional<double>& share) {
    return share ? percent_text(*share) : kNotKnown;
}
std::string known_length(const std::optional<Seconds>& seconds) {
    return seconds ? length_text(*seconds) : kNotKnown;
}

std::string moment_text(Instant instant) {
    return time_text(floor_seconds(instant), "%a %-d %b %Y %H:%M");
}
std::string minute_text(std::int64_t minute) {
    return time_text(minute * 60, "%a %-d %b %H:%M");
}
std::string day_text(std::int64_t minute) {
    return time_text(minute * 60, "%a %-d %b");
}
std::string clock_text(std::int64_t minute) {
    return time_text(minute * 60, "%H:%M");
}

std::string number_of(std::int64_t count, const std::string& noun) {
    return count_text(count) + ' ' + noun + (count == 1 ? "" : "s");
}

}  // namespace leash::tool
