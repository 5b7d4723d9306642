#include "source/control_answer.h"

#include <limits>

#include "connection/control_socket.h"

namespace leash::tool {

std::string answer_text(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    return found != object.end() && found->is_string() ? found->get<std::string>() : std::string();
}

int answer_number(const nlohmann::json& object, const char* key) {
    const auto found = object.find(key);
    if (found == object.end() || !found->is_number_integer() || *found < 0 ||
        *found > std::numeric_limits<int>::max()) {
        return 0;
    }
    return found->get<int>();
}

RawRows rows_of_answer(const nlohmann::json& document) {
    RawRows raw;
    const auto columns = document.find("columns");
    const auto rows = document.find("rows");
    if (columns == document.end() || !columns->is_array() || rows == document.end() ||
        !rows->is_array()) {
        throw ControlError(ControlError::Reason::strange, "the worker's answer has no rows");
    }
    for (const nlohmann::json& name : *columns) {
        raw.columns.push_back(name.is_string() ? name.get<std::string>() : std::string());
    }
    for (const nlohmann::json& values : *rows) {
        Row& row = raw.rows.emplace_back();
        for (const nlohmann::json& value : values) {
            row.push_back(value.is_string() ? Cell(value.get<std::string>()) : std::nullopt);
        }
        row.resize(raw.columns.size());
    }
    return raw;
}

}  // namespace leash::tool
