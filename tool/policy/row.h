// A row of leash.policies as the tool holds it, whether it comes from a file or from
// the table.
#pragma once

#include <array>
#include <cstdint>
#include <optional>
#include <span>
#include <string>
#include <string_view>
#include <variant>
#include <vector>

namespace leash::tool {

enum class PolicyType { kText, kInteger, kReal, kBoolean, kDuration, kList };

struct Microseconds {
    std::int64_t value = 0;
    bool operator==(const Microseconds&) const = default;
};

/// monostate: NULL, or an empty list.
using PolicyValue = std::variant<std::monostate, std::string, std::int64_t, double, bool,
                                 Microseconds, std::vector<std::string>>;

struct PolicyColumn {
    const char* name;
    PolicyType type;
    /// What a column that is not given stands for, in the form of a file's value;
    /// nullptr: NULL.
    const char* fallback = nullptr;
};

inline constexpr std::size_t kPolicyColumnCount = 27;

/// The columns beside the name, in the order in which they are shown.
std::span<const PolicyColumn, kPolicyColumnCount> policy_columns();

/// Where the column is in a row, or kPolicyColumnCount when there is none of that name.
std::size_t policy_column(std::string_view name);

struct PolicyRow {
    std::string name;
    std::array<PolicyValue, kPolicyColumnCount> values;

    /// The value of one of our columns.
    const PolicyValue& operator[](std::string_view column) const {
        return values[policy_column(column)];
    }
    PolicyValue& operator[](std::string_view column) { return values[policy_column(column)]; }

    bool operator==(const PolicyRow&) const = default;
};

/// A row in which nothing but the name is given.
PolicyRow default_policy(std::string name);

/// Whether the value is what the column has when it is not given.
bool is_fallback(std::size_t column, const PolicyValue& value);

/// The text of a column, "" when it is NULL.
std::string text_of(const PolicyRow& row, std::string_view column);
bool is_true(const PolicyRow& row, std::string_view column);
std::int64_t number_of(const PolicyRow& row, std::string_view column);
std::vector<std::string> list_of(const PolicyRow& row, std::string_view column);

/// A duration in units that parse_duration reads back exactly: "1h 30min".
std::string exact_duration(std::int64_t microseconds);

/// The text of a value as SQL reads it, for a parameter; nullopt for NULL.
std::optional<std::string> sql_text(const PolicyValue& value);

}  // namespace leash::tool
