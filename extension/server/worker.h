// The worker: samples, judges, reaps, keeps the books, serves the control socket.
#pragma once

#include "server/shared_state.h"

namespace leash {

// Called from _PG_init.
void register_worker();

// Wakes the worker if it runs.  Cannot fail; called from commit callbacks.
void wake_worker();

// Copies its status; pid is 0 when it does not run.
void read_worker_status(WorkerStatus& copy);

}  // namespace leash
