#include "plan/words.h"

#include <algorithm>
#include <array>
#include <cmath>

#include <fmt/format.h>

#include "core/duration.h"
#include "render/instant.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

constexpr double kMostSeconds = 1e12;

std::string thousands(std::int64_t count) {
    std::string digits = std::to_string(count);
    const std::size_t first = digits.front() == '-' ? 1 : 0;
    for (std::size_t at = digits.size(); at > first + 3;) {
        at -= 3;
        digits.insert(at, 1, ',');
    }
    return digits;
}

}  // namespace

std::string code(std::string_view text, std::size_t width) {
    const std::string shown =
        shorten(printable(text, {.collapse_space = true}), std::max<std::size_t>(width, 1));
    return kCodeBegin + shown + kCodeEnd;
}

std::string printable_lines(std::string_view text) {
    std::string out;
    while (!text.empty()) {
        const std::size_t end = text.find('\n');
        out += printable(text.substr(0, end)) + '\n';
        text.remove_prefix(end == std::string_view::npos ? text.size() : end + 1);
    }
    return out;
}

std::string unmarked(std::string_view text, bool quoted) {
    std::string out;
    for (const char c : text) {
        if (c != kCodeBegin && c != kCodeEnd) {
            out += c;
        } else if (quoted) {
            out += '"';
        }
    }
    return out;
}

std::string number(std::int64_t count) {
    return thousands(count);
}

std::string counted(std::int64_t count, std::string_view noun) {
    return fmt::format("{} {}{}", thousands(count), noun, count == 1 ? "" : "s");
}

std::string amount(double value) {
    const double size = std::fabs(value);
    if (size > 0 && size < 0.005) {
        return "less than 0.01";
    }
    if (size >= 100) {
        return thousands(std::llround(std::min(value, 1e15)));
    }
    std::string text = fmt::format("{:.{}f}", value, size >= 10 ? 1 : 2);
    while (text.find('.') != std::string::npos && (text.back() == '0' || text.back() == '.')) {
        text.pop_back();
    }
    return text;
}

std::string percent(double share) {
    const double value = 100 * share;
    const bool fine = (value > 0 && value < 10) || (value > 90 && value < 100);
    return fmt::format("{:.{}f} %", value, fine ? 1 : 0);
}

std::string duration(double seconds) {
    std::array<char, kDurationTextSize> buffer{};
    const double within = std::clamp(seconds, 0.0, kMostSeconds);
    const std::size_t length =
        format_duration(std::llround(within * 1e6), buffer.data(), buffer.size());
    return {buffer.data(), length};
}

std::string moment(Instant instant) {
    // 2026-05-12T14:05:06.000000Z
    std::string text = instant_text(instant.us).substr(0, 16);
    std::replace(text.begin(), text.end(), 'T', ' ');
    return text + " UTC";
}

std::string size_of_blocks(std::int64_t blocks) {
    constexpr double kBlock = 8192;
    constexpr std::array kUnits{"kB", "MB", "GB", "TB"};
    double size = static_cast<double>(blocks) * kBlock / 1024;
    std::size_t unit = 0;
    while (size >= 1024 && unit + 1 < kUnits.size()) {
        size /= 1024;
        ++unit;
    }
    return fmt::format("{} {}", amount(size), kUnits[unit]);
}

std::string who(const std::string& application, const std::string& role,
                const std::string& database) {
    const std::string name = application.empty()
                                 ? std::string("sessions without an application_name")
                                 : code(application, 63);
    return fmt::format("{} (role {}, database {})", name, code(role, 63), code(database, 63));
}

std::string listed(const std::vector<std::string>& items) {
    std::string out;
    for (std::size_t i = 0; i < items.size(); ++i) {
        out += i == 0 ? "" : i + 1 == items.size() ? " and " : ", ";
        out += items[i];
    }
    return out;
}

}  // namespace leash::tool::plan
