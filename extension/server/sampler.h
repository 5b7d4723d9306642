// Samples the states of all sessions into the observations, tens of times a second.
#pragma once

#include "server/session_report.h"

namespace leash {

// Takes one sample.  Only the worker calls it.  True when anything has changed since
// the last one.
bool take_sample();

// Copies what the worker has seen of a session; false when it has seen nothing of it,
// or does not run.
bool read_observation(int number, const SessionId& session, Observation& copy);

}  // namespace leash
