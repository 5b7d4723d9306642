// The settings pg_leash.*; each is documented under its name in doc/settings.md.
#pragma once

#include "server/compat.h"

#include "core/policy.h"
#include "core/verdict.h"

namespace leash::settings {

extern LEASH_HIDDEN bool track;
extern LEASH_HIDDEN uint64_t slow_plan_ns;       // all ones: off
extern LEASH_HIDDEN uint64_t slow_statement_ns;  // all ones: off
extern int slow_statements_max;
extern int slow_summary_max;
extern int reap_log_max;
extern int applications_max;
extern int learned_floor;    // ms
extern int learn_after;      // ms
extern int check_interval;   // ms
extern int sample_interval;  // ms
extern int lease_max;        // ms
extern char* database;       // where the policies are read
extern char* debug_stop_at;
extern int history_retention;  // minutes
extern int debug_minute;       // ms

// The thresholds of section "idle" in nanoseconds, for a verdict now.
Thresholds thresholds();

// The bound on every policy's mode.
Mode reaping();

// Called from _PG_init.
void define();

}  // namespace leash::settings
