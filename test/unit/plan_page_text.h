// A page of the plan as text, for the tests that read it.
#pragma once

#include <sstream>
#include <string>
#include <vector>

#include "evidence/evidence.h"
#include "plan/page.h"

namespace leash::tool::plan {

inline std::string markdown(const Evidence& evidence) {
    return markdown_of(document_of(make_page(evidence)));
}

inline std::vector<std::string> lines_of(const std::string& text) {
    std::vector<std::string> lines;
    std::istringstream in(text);
    for (std::string line; std::getline(in, line);) {
        lines.push_back(line);
    }
    return lines;
}

}  // namespace leash::tool::plan
