// The commands.  Each returns the exit status and throws Failure or QueryError.
#pragma once

#include "commands/context.h"

namespace leash::tool {

int run_status(Context& context);

/// sessions, leaks, apps, slow, orphans, history and log.
int run_listing(Context& context);

/// terminate and cancel.
int run_act(Context& context);

/// terminate --leaked.
int run_terminate_leaked(Context& context);

int run_reap(Context& context);

/// advise, advise pools and advise settings.
int run_advise(Context& context);
/// The same from a file.  Asks no server.
int run_advise_from_snapshot(const Options& options, const Terminal& terminal);
int run_advise_indexes(Context& context);

/// Connects by itself, unless a snapshot is judged.
int run_plan(const Options& options);

/// snapshot save FILE.
int run_snapshot_save(Context& context);

/// Connects by itself, since a failure to connect is a metric.
int run_metrics(const Options& options);

/// report.  Connects only where no snapshot is given instead.
int run_report(const Options& options, const Terminal& terminal);

/// policy list, show, diff, apply and test.  Connects by itself, since policies are in
/// the database that pg_leash.database names.
int run_policy(const Options& options, const Terminal& terminal);

/// Connects by itself, since whatever happens is an answer.
int run_health(const Options& options);

/// Asks no server.
int run_config_show(const Options& options);

/// Until SIGINT or SIGTERM.  Connects by itself, and again.
int run_serve(const Options& options);

/// Connects by itself, since a failure to connect is one of its findings.
int run_doctor(const Options& options, const Terminal& terminal);

}  // namespace leash::tool
