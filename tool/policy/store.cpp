#include "policy/store.h"

#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "failure.h"

namespace leash::tool {
namespace {

// Lists come as JSON, which somebody else can take apart, durations in microseconds.
std::string select_expression(const PolicyColumn& column) {
    switch (column.type) {
        case PolicyType::kDuration:
            return fmt::format(
                "pg_catalog.round(EXTRACT(EPOCH FROM {}) * 1000000)::pg_catalog.int8", column.name);
        case PolicyType::kList:
            return fmt::format("pg_catalog.to_json({}::pg_catalog.text[])", column.name);
        default:
            return column.name;
    }
}

PolicyValue list_value(const std::string& text) {
    const nlohmann::json list = nlohmann::json::parse(text, nullptr, false);
    std::vector<std::string> items;
    if (list.is_array()) {
        for (const nlohmann::json& item : list) {
            items.push_back(item.is_string() ? item.get<std::string>() : "");
        }
    }
    return items.empty() ? PolicyValue() : PolicyValue(std::move(items));
}

PolicyValue value_of(const PolicyColumn& column, const std::optional<std::string>& text) {
    if (!text) {
        // What is not said is false, of a kind that cannot be unknown.
        return column.type == PolicyType::kBoolean ? PolicyValue(false) : PolicyValue();
    }
    switch (column.type) {
        case PolicyType::kText:
            return *text;
        case PolicyType::kInteger:
            return static_cast<std::int64_t>(std::strtoll(text->c_str(), nullptr, 10));
        case PolicyType::kReal:
            return std::strtod(text->c_str(), nullptr);
        case PolicyType::kBoolean:
            return *text == "t";
        case PolicyType::kDuration:
            return Microseconds{std::strtoll(text->c_str(), nullptr, 10)};
        case PolicyType::kList:
            break;
    }
    return list_value(*text);
}

Query insert_query(const PolicyRow& row) {
    Query query;
    std::string names = "name";
    std::string places = "$1";
    query.parameters.emplace_back(row.name);
    for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
        query.parameters.push_back(sql_text(row.values[i]));
        names += fmt::format(", {}", policy_columns()[i].name);
        places += fmt::format(", ${}", query.parameters.size());
    }
    query.sql = fmt::format("INSERT INTO leash.policies ({}) VALUES ({})", names, places);
    return query;
}

Query update_query(const PolicyChange& change) {
    Query query;
    std::string list;
    query.parameters.emplace_back(change.row.name);
    for (const ColumnChange& column : change.columns) {
        query.parameters.push_back(sql_text(column.after));
        list += fmt::format("{}{} = ${}", list.empty() ? "" : ", ",
                            policy_columns()[column.column].name, query.parameters.size());
    }
    query.sql = fmt::format("UPDATE leash.policies SET {} WHERE name = $1", list);
    return query;
}

}  // namespace

std::vector<PolicyRow> read_policies(Connection& connection) {
    std::string list = "name";
    for (const PolicyColumn& column : policy_columns()) {
        list += ", " + select_expression(column);
    }
    const Result result = connection.run(
        fmt::format("SELECT {} FROM leash.policies ORDER BY priority, name COLLATE \"C\"", list));
    std::vector<PolicyRow> rows;
    for (int r = 0; r < result.rows(); ++r) {
        PolicyRow& row = rows.emplace_back();
        row.name = result.value(r, 0).value_or("");
        for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
            row.values[i] = value_of(policy_columns()[i], result.value(r, static_cast<int>(i) + 1));
        }
    }
    return rows;
}

Query change_query(const PolicyChange& change) {
    switch (change.kind) {
        case ChangeKind::kAdded:
            return insert_query(change.row);
        case ChangeKind::kChanged:
            return update_query(change);
        case ChangeKind::kRemoved:
            break;
    }
    return {"DELETE FROM leash.policies WHERE name = $1", {change.row.name}};
}

}  // namespace leash::tool
