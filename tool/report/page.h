// Whole pages: one file of HTML that needs nothing else.
#pragma once

#include <string>

#include "evidence/evidence.h"
#include "report/html.h"

namespace leash::tool {

/// A document around `body`; `data` is for page.js.  Its Content-Security-Policy lets
/// our own script and style through, by their hashes, and nothing from outside.
std::string document_of(const std::string& title, const Html& body,
                        const nlohmann::ordered_json& data);

/// The report of a server.
std::string report_page(const Evidence& evidence);

/// What changed between two snapshots.
std::string compare_page(const Evidence& before, const Evidence& after);

}  // namespace leash::tool
