#include "policy/diff.h"

#include <algorithm>

namespace leash::tool {
namespace {

const PolicyRow* find_policy(std::span<const PolicyRow> rows, const std::string& name) {
    const auto found = std::find_if(rows.begin(), rows.end(),
                                    [&](const PolicyRow& row) { return row.name == name; });
    return found == rows.end() ? nullptr : &*found;
}

}  // namespace

std::vector<PolicyChange> diff_policies(std::span<const PolicyRow> current,
                                        std::span<const PolicyRow> wanted) {
    std::vector<PolicyChange> changes;
    for (const PolicyRow& row : wanted) {
        const PolicyRow* before = find_policy(current, row.name);
        if (before == nullptr) {
            changes.push_back({ChangeKind::kAdded, row, {}});
            continue;
        }
        PolicyChange change{ChangeKind::kChanged, row, {}};
        for (std::size_t i = 0; i < kPolicyColumnCount; ++i) {
            if (before->values[i] != row.values[i]) {
                change.columns.push_back({i, before->values[i], row.values[i]});
            }
        }
        if (!change.columns.empty()) {
            changes.push_back(std::move(change));
        }
    }
    for (const PolicyRow& row : current) {
        if (find_policy(wanted, row.name) == nullptr) {
            changes.push_back({ChangeKind::kRemoved, row, {}});
        }
    }
    return changes;
}

const char* change_word(ChangeKind kind) {
    switch (kind) {
        case ChangeKind::kAdded:
            return "added";
        case ChangeKind::kChanged:
            return "changed";
        case ChangeKind::kRemoved:
            break;
    }
    return "removed";
}

}  // namespace leash::tool
