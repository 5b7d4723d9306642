#include "cli/values.h"

#include <algorithm>
#include <arpa/inet.h>
#include <cctype>
#include <charconv>
#include <cmath>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "core/duration.h"
#include "core/names.h"
#include "core/session_id.h"
#include "failure.h"

namespace leash::tool {
namespace {

constexpr State kStates[] = {
    State::active,   State::idle,    State::idle_in_transaction, State::idle_in_transaction_aborted,
    State::fastpath, State::unknown,
};
constexpr double kMinSeconds = 0.1;
constexpr double kMaxSeconds = 86'400;

[[noreturn]] void refuse(const std::string& message) {
    throw Failure(message, kExitUsage);
}

bool is_digits(std::string_view text) {
    return !text.empty() && std::all_of(text.begin(), text.end(),
                                        [](unsigned char c) { return std::isdigit(c) != 0; });
}

template <typename Integer>
bool read_integer(std::string_view text, Integer& value) {
    const auto [rest, error] = std::from_chars(text.data(), text.data() + text.size(), value);
    return is_digits(text) && error == std::errc() && rest == text.data() + text.size();
}

bool is_descending_by_nature(Kind kind) {
    return kind == Kind::kCount || kind == Kind::kReal || kind == Kind::kDuration ||
           kind == Kind::kInstant || kind == Kind::kBoolean;
}

}  // namespace

std::vector<std::string> sortable_columns(Listing listing) {
    std::vector<std::string> names;
    for (const Column& column : columns_of(listing)) {
        if (sort_column(listing, column.name) != nullptr) {
            names.emplace_back(column.name);
        }
    }
    return names;
}

std::int64_t duration_value(const std::string& option, const std::string& text) {
    const ParsedDuration parsed = parse_duration(text);
    if (!parsed.ok()) {
        refuse(
            fmt::format("invalid duration \"{}\" for {}: {}; write for example 90s, 5min, 2h "
                        "or 1d (units: us ms s min h d)",
                        text, option, describe(parsed.problem)));
    }
    return parsed.microseconds;
}

double seconds_value(const std::string& option, const std::string& text) {
    double seconds = -1;
    if (const ParsedDuration parsed = parse_duration(text); parsed.ok()) {
        seconds = static_cast<double>(parsed.microseconds) / 1e6;
    } else if (parsed.problem == DurationProblem::kNoUnit) {
        seconds = static_cast<double>(parse_duration(text + "s").microseconds) / 1e6;
    }
    if (seconds < kMinSeconds || seconds > kMaxSeconds) {
        refuse(fmt::format(
            "invalid interval \"{}\" for {}; write seconds from 0.1 to 86400, for example 2", text,
            option));
    }
    return seconds;
}

std::int64_t count_value(const std::string& option, const std::string& text) {
    std::int64_t value = 0;
    if (!read_integer(text, value) || value < 1) {
        refuse(fmt::format("invalid number \"{}\" for {}; write a whole number from 1 on", text,
                           option));
    }
    return value;
}

double factor_value(const std::string& option, const std::string& text, double most) {
    const bool percent = text.ends_with('%');
    const char* const end = text.data() + text.size() - (percent ? 1 : 0);
    double value = 0;
    const auto [rest, error] = std::from_chars(text.data(), end, value);
    const double factor = percent ? 1 + value / 100 : value;
    if (error != std::errc() || rest != end || !(factor >= 1 && factor <= most)) {
        refuse(fmt::format("invalid factor \"{}\" for {}; write 1 to {:g}, for example 1.25 or 25%",
                           text, option, most));
    }
    return factor;
}

std::string address_value(const std::string& text) {
    if (text == "local") {
        return text;
    }
    const std::size_t slash = text.find('/');
    const std::string address = text.substr(0, slash);
    unsigned char buffer[sizeof(in6_addr)];
    int bits = 0;
    if (inet_pton(AF_INET, address.c_str(), buffer) == 1) {
        bits = 32;
    } else if (inet_pton(AF_INET6, address.c_str(), buffer) == 1) {
        bits = 128;
    }
    int prefix = 0;
    const bool prefix_fits =
        slash == std::string::npos ||
        (read_integer(std::string_view(text).substr(slash + 1), prefix) && prefix <= bits);
    if (bits == 0 || !prefix_fits) {
        refuse(
            fmt::format("invalid address \"{}\" for --addr; write an address, a network such "
                        "as 10.0.0.0/8, or local for Unix sockets",
                        text));
    }
    return text;
}

std::string state_value(const std::string& text) {
    std::string wanted = text;
    std::replace(wanted.begin(), wanted.end(), '-', ' ');
    if (wanted == "aborted") {
        wanted = name_of(State::idle_in_transaction_aborted);
    }
    for (const State state : kStates) {
        if (wanted == name_of(state)) {
            return name_of(state);
        }
    }
    refuse(
        fmt::format("invalid state \"{}\" for --state; it is one of active, idle, "
                    "idle-in-transaction, aborted, disabled",
                    text));
}

Sort sort_value(Listing listing, const std::string& text) {
    const std::size_t colon = text.find(':');
    const std::string name = text.substr(0, colon);
    const std::string direction = colon == std::string::npos ? "" : text.substr(colon + 1);
    const Column* column = sort_column(listing, name);
    if (column == nullptr) {
        refuse(fmt::format("cannot sort by \"{}\"; --sort takes one of {}", name,
                           fmt::join(sortable_columns(listing), ", ")));
    }
    if (direction.empty() && colon == std::string::npos) {
        return {column, is_descending_by_nature(column->kind)};
    }
    if (direction != "asc" && direction != "desc") {
        refuse(fmt::format("invalid direction \"{}\" for --sort; write {}:asc or {}:desc",
                           direction, name, name));
    }
    return {column, direction == "desc"};
}

Format format_value(const std::string& text) {
    if (text == "table") {
        return Format::kTable;
    }
    if (text == "json") {
        return Format::kJson;
    }
    if (text == "csv") {
        return Format::kCsv;
    }
    refuse(fmt::format("invalid format \"{}\"; --format takes table, json or csv", text));
}

ColorChoice color_value(const std::string& text) {
    if (text == "auto") {
        return ColorChoice::kAuto;
    }
    if (text == "always") {
        return ColorChoice::kAlways;
    }
    if (text == "never") {
        return ColorChoice::kNever;
    }
    refuse(fmt::format("invalid choice \"{}\"; --color takes auto, always or never", text));
}

Target target_value(const std::string& text) {
    Target target;
    std::int32_t pid = 0;
    if (read_integer(text, pid) && pid > 1) {
        target.pid = pid;
        return target;
    }
    SessionId id{};
    if (!parse_session_id(text.c_str(), id)) {
        refuse(
            fmt::format("invalid session id \"{}\"; it looks like 6745a1b2.1f3 (\"pgleash "
                        "sessions\" lists them), or give a pid",
                        text));
    }
    char canonical[kSessionIdLength + 1];
    format_session_id(id, canonical);
    target.session_id = canonical;
    return target;
}

}  // namespace leash::tool
