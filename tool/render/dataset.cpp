#include "render/dataset.h"

namespace leash::tool {

std::string output_key(const Column& column) {
    std::string key = column.name;
    if (column.kind == Kind::kDuration) {
        key += "_seconds";
    }
    return key;
}

Cell cell_of(const Dataset& data, const Row& row, std::string_view name) {
    for (std::size_t i = 0; i < data.columns.size(); ++i) {
        if (data.columns[i].name == name) {
            return row[i];
        }
    }
    return std::nullopt;
}

}  // namespace leash::tool
