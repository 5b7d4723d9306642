#include "policy/row.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>

#include "core/names.h"

namespace leash::tool {
namespace {

constexpr PolicyColumn kColumns[kPolicyColumnCount] = {
    {"comment", PolicyType::kText},
    {"priority", PolicyType::kInteger, "100"},
    {"enabled", PolicyType::kBoolean, "true"},
    {"mode", PolicyType::kText, "observe"},
    {"action", PolicyType::kText, "log"},
    {"roles", PolicyType::kList},
    {"databases", PolicyType::kList},
    {"applications", PolicyType::kList},
    {"addresses", PolicyType::kList},
    {"kinds", PolicyType::kList},
    {"states", PolicyType::kList},
    {"idle_for", PolicyType::kDuration},
    {"unused_for", PolicyType::kDuration},
    {"xact_for", PolicyType::kDuration},
    {"statement_for", PolicyType::kDuration},
    {"learned", PolicyType::kBoolean, "false"},
    {"pressure_above", PolicyType::kReal},
    {"pressure_below", PolicyType::kReal},
    {"blocks_others", PolicyType::kBoolean, "false"},
    {"holds_xmin", PolicyType::kBoolean, "false"},
    {"peer_gone", PolicyType::kBoolean, "false"},
    {"grace", PolicyType::kDuration},
    {"keep", PolicyType::kInteger},
    {"max_per_minute", PolicyType::kInteger},
    {"include_superusers", PolicyType::kBoolean, "false"},
    {"include_listeners", PolicyType::kBoolean, "false"},
    {"include_lock_holders", PolicyType::kBoolean, "false"},
};

struct Unit {
    const char* name;
    std::int64_t microseconds;
};
constexpr Unit kUnits[] = {
    {"d", 86'400'000'000}, {"h", 3'600'000'000}, {"min", 60'000'000},
    {"s", 1'000'000},      {"ms", 1'000},        {"us", 1},
};

PolicyValue fallback_of(const PolicyColumn& column) {
    if (column.fallback == nullptr) {
        return {};
    }
    const std::string_view text = column.fallback;
    switch (column.type) {
        case PolicyType::kInteger:
            return static_cast<std::int64_t>(std::strtol(column.fallback, nullptr, 10));
        case PolicyType::kBoolean:
            return text == "true";
        default:
            return std::string(text);
    }
}

// An array as PostgreSQL reads it, every element quoted.
std::string array_text(const std::vector<std::string>& items) {
    std::string out = "{";
    for (const std::string& item : items) {
        out += out.size() > 1 ? ",\"" : "\"";
        for (const char c : item) {
            if (c == '"' || c == '\\') {
                out += '\\';
            }
            out += c;
        }
        out += '"';
    }
    return out + "}";
}

// Days stay days: psql shows "1 day", not 24:00:00.
std::string interval_text(std::int64_t microseconds) {
    constexpr std::int64_t kDay = 86'400'000'000;
    return fmt::format("{} days {} microseconds", microseconds / kDay, microseconds % kDay);
}

}  // namespace

std::span<const PolicyColumn, kPolicyColumnCount> policy_columns() {
    return kColumns;
}

std::size_t policy_column(std::string_view name) {
    const auto found = std::find_if(std::begin(kColumns), std::end(kColumns),
                                    [&](const PolicyColumn& c) { return name == c.name; });
    return static_cast<std::size_t>(found - std::begin(kColumns));
}

PolicyRow default_policy(std::string name) {
    PolicyRow row;
    row.name = std::move(name);
    for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
        row.values[i] = fallback_of(kColumns[i]);
    }
    return row;
}

bool is_fallback(std::size_t column, const PolicyValue& value) {
    return value == fallback_of(kColumns[column]);
}

std::string text_of(const PolicyRow& row, std::string_view column) {
    const auto* text = std::get_if<std::string>(&row[column]);
    return text == nullptr ? std::string() : *text;
}

bool is_true(const PolicyRow& row, std::string_view column) {
    const auto* value = std::get_if<bool>(&row[column]);
    return value != nullptr && *value;
}

std::int64_t number_of(const PolicyRow& row, std::string_view column) {
    const auto* value = std::get_if<std::int64_t>(&row[column]);
    return value == nullptr ? 0 : *value;
}

std::vector<std::string> list_of(const PolicyRow& row, std::string_view column) {
    const auto* list = std::get_if<std::vector<std::string>>(&row[column]);
    return list == nullptr ? std::vector<std::string>() : *list;
}

std::string exact_duration(std::int64_t microseconds) {
    std::string out;
    for (const Unit& unit : kUnits) {
        if (const std::int64_t count = microseconds / unit.microseconds; count > 0) {
            out += fmt::format("{}{}{}", out.empty() ? "" : " ", count, unit.name);
            microseconds -= count * unit.microseconds;
        }
    }
    return out.empty() ? "0s" : out;
}

std::optional<std::string> sql_text(const PolicyValue& value) {
    struct Writer {
        using Text = std::optional<std::string>;
        Text operator()(std::monostate) const { return std::nullopt; }
        Text operator()(const std::string& text) const { return text; }
        Text operator()(std::int64_t number) const { return std::to_string(number); }
        Text operator()(double number) const { return fmt::format("{}", number); }
        Text operator()(bool truth) const { return truth ? "true" : "false"; }
        Text operator()(Microseconds us) const { return interval_text(us.value); }
        Text operator()(const std::vector<std::string>& items) const { return array_text(items); }
    };
    return std::visit(Writer{}, value);
}

}  // namespace leash::tool
