// The settings pg_leash.*; each is documented under its name in doc/settings.md.
#pragma once

#include "server/compat.h"

#include "core/verdict.h"

namespace leash::settings {

extern LEASH_HIDDEN bool track;
extern LEASH_HIDDEN uint64_t slow_statement_ns;  // all ones: off
extern int slow_statements_max;
extern char* debug_stop_at;

// The thresholds of section "idle" in nanoseconds, for a verdict now.
Thresholds thresholds();

// Called from _PG_init.
void define();

}  // namespace leash::settings
