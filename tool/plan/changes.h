// What has changed between two looks at a server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "plan/finding.h"

namespace leash::tool::plan {

struct Change {
    std::string what;
    std::string before;
    std::string after;
};

struct Changes {
    Instant since;
    std::vector<std::string> notes;  ///< why the numbers may not be comparable
    std::vector<Change> numbers;     ///< also those that stayed as they were
    std::vector<std::string> gone;   ///< titles of findings
    std::vector<std::string> added;
    std::vector<std::string> still;
};

/// Throws Failure when `before` is younger than `after`.
Changes compare(const Evidence& before, const Evidence& after);

}  // namespace leash::tool::plan
