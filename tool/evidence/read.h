// Evidence from a server that has the extension.
#pragma once

#include "connection/connection.h"
#include "evidence/evidence.h"

namespace leash::tool {

/// Asks for it all, in some fifteen statements.  Throws QueryError.
Evidence read_evidence(Connection& connection);

/// What advice on pools goes by, and nothing else, in three statements.  Throws QueryError.
Evidence read_pool_evidence(Connection& connection);

/// What PostgreSQL's own views tell whether or not the extension is there: server,
/// settings, databases.
void read_plain_facts(Connection& connection, Evidence& evidence);

}  // namespace leash::tool
