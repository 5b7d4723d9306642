#pragma once

#include "agentless/sessions.h"
#include "evidence/evidence.h"

namespace leash::tool {

/// What PostgreSQL's own views tell of the server, this sample of its sessions included.
Evidence read_agentless(Connection& connection, const PlainSample& sample,
                        const PlainSampler& sampler, const AgentlessThresholds& thresholds);

}  // namespace leash::tool
