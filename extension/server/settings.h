// The settings pg_leash.*; each is documented under its name in doc/settings.md.
#pragma once

#include "server/compat.h"

#include "core/verdict.h"

namespace leash::settings {

extern bool track;
extern int slow_statement_threshold;  // ms; -1: off
extern int slow_statements_max;
extern char* debug_stop_at;

// The thresholds of section "idle" in nanoseconds, for a verdict now.
Thresholds thresholds();

// Called from _PG_init.
void define();

}  // namespace leash::settings
