// Evidence from a server that has the extension.
#pragma once

#include "connection/connection.h"
#include "evidence/evidence.h"

namespace leash::tool {

/// Asks for it all, in some fifteen statements.  Throws QueryError.
Evidence read_evidence(Connection& connection);

}  // namespace leash::tool
