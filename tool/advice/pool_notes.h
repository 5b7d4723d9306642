// What is to be said of a pool beside its numbers: how far they can be trusted, and what
// else the measurements show.
#pragma once

#include "advice/pools.h"

namespace leash::tool {

/// Sets confidence and its reason.
void judge_confidence(PoolAdvice& advice, const ApplicationFacts& facts, const Evidence& evidence);

/// Adds notes on one pool.
void note_pool(PoolAdvice& advice, const ApplicationFacts& facts, const PoolOptions& options);

/// Adds notes on all of them together.
void note_plan(PoolPlan& plan, const PoolOptions& options);

/// "1 session", "2 sessions".
std::string counted(std::int64_t count, const char* what);

/// "3h 20min"
std::string duration_text(Seconds seconds);

/// "3h"
std::string about_text(Seconds seconds);

}  // namespace leash::tool
