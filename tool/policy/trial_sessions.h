// The sessions to try policies on, read from the server.
#pragma once

#include <vector>

#include "connection/connection.h"
#include "policy/trial.h"

namespace leash::tool {

/// The client sessions of this moment but the own.
std::vector<TrialSession> read_sessions(Connection& connection);

/// The sessions of the journal, each with its oldest age; newest first.
std::vector<TrialSession> read_journal(Connection& connection);

Pressure read_pressure(Connection& connection);

}  // namespace leash::tool
