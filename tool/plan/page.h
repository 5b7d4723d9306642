// The emergency plan as a whole: what was found, and what follows for the server.
#pragma once

#include <optional>
#include <string>
#include <vector>

#include <nlohmann/json.hpp>

#include "evidence/evidence.h"
#include "plan/changes.h"
#include "plan/document.h"
#include "plan/finding.h"

namespace leash::tool::plan {

struct Page {
    std::string title;
    std::string target;                ///< how to reach the server, for a shell; may be empty
    std::vector<std::string> summary;  ///< of the whole server, a line each
    std::vector<Finding> findings;     ///< the worst first; none: nothing is wrong
    std::vector<Expected> expected;    ///< of the whole server, when all is done
    std::vector<std::string> caveats;  ///< what is not known, or only for a short time
    std::optional<Changes> changes;    ///< since a snapshot
    Instant now;
    Instant since;
    std::int64_t minutes = 0;
};

/// Throws Failure when `before`, if given, is younger.
Page make_page(const Evidence& evidence, const Evidence* before = nullptr);

Document document_of(const Page& page);

/// Keys beside those that every document of the tool begins with.
void add_json(nlohmann::ordered_json& document, const Page& page);

}  // namespace leash::tool::plan
