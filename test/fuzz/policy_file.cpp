#include "policy/file.h"

#include <vector>

#include "fuzz.h"
#include "policy/toml.h"

FUZZ_TARGET(policy_file) {
    using namespace leash::tool;
    const PolicyFile file = parse_policies(Input(data, size).rest());
    for (const FileProblem& problem : file.problems) {
        must(!describe_problem("file", problem).empty(), "a problem has a name");
    }
    if (!file.problems.empty()) {
        return;
    }
    std::vector<PolicyRow> rows;
    for (const FilePolicy& policy : file.policies) {
        rows.push_back(policy.row);
    }
    const PolicyFile again = parse_policies(policies_toml(rows));
    must(again.problems.empty(), "policies that are written can be read");
    must(again.policies.size() == rows.size(), "none is lost");
    for (size_t i = 0; i < rows.size(); i++) {
        must(again.policies[i].row == rows[i], "they read back the same");
    }
}
