// page.css and page.js, with uPlot in front of them: see embed.cmake.
#pragma once

#include <string_view>

namespace leash::tool {

extern const std::string_view kReportStyle;
extern const std::string_view kReportScript;

/// Base64 of their SHA-256.
extern const std::string_view kReportStyleHash;
extern const std::string_view kReportScriptHash;

}  // namespace leash::tool
