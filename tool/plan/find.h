// What is wrong on a server, the worst first.  Asks nobody but the evidence.
#pragma once

#include <vector>

#include "evidence/evidence.h"
#include "plan/finding.h"

namespace leash::tool::plan {

std::vector<Finding> find(const Evidence& evidence);

}  // namespace leash::tool::plan
