#include "render/instant.h"

#include <cstdlib>
#include <ctime>

#include <fmt/format.h>

namespace leash::tool {
namespace {

constexpr std::int64_t kSecond = 1'000'000;

}  // namespace

std::optional<std::int64_t> parse_instant(const std::string& text) {
    std::tm time{};
    const char* rest = strptime(text.c_str(), "%Y-%m-%dT%H:%M:%S", &time);
    if (rest == nullptr) {
        return std::nullopt;
    }
    std::int64_t us = static_cast<std::int64_t>(timegm(&time)) * kSecond;
    if (*rest == '.') {
        us += static_cast<std::int64_t>(std::strtod(rest, nullptr) * 1e6 + 0.5);
    }
    return us;
}

std::string instant_text(std::int64_t us) {
    const std::int64_t fraction = ((us % kSecond) + kSecond) % kSecond;
    const auto seconds = static_cast<std::time_t>((us - fraction) / kSecond);
    std::tm time{};
    gmtime_r(&seconds, &time);
    return fmt::format("{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z", time.tm_year + 1900,
                       time.tm_mon + 1, time.tm_mday, time.tm_hour, time.tm_min, time.tm_sec,
                       fraction);
}

}  // namespace leash::tool
