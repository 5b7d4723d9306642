// What applying a file would change.
#pragma once

#include <span>
#include <string>
#include <vector>

#include "policy/row.h"

namespace leash::tool {

enum class ChangeKind { kAdded, kChanged, kRemoved };

struct ColumnChange {
    std::size_t column = 0;
    PolicyValue before;
    PolicyValue after;
    bool operator==(const ColumnChange&) const = default;
};

struct PolicyChange {
    ChangeKind kind = ChangeKind::kAdded;
    PolicyRow row;                      ///< as wanted; of a removed one, as it is
    std::vector<ColumnChange> columns;  ///< of a changed one
    bool operator==(const PolicyChange&) const = default;
};

/// In the order of the file, then what the file does not have.
std::vector<PolicyChange> diff_policies(std::span<const PolicyRow> current,
                                        std::span<const PolicyRow> wanted);

const char* change_word(ChangeKind kind);

}  // namespace leash::tool
