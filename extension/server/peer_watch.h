// Keeps up what is known of the clients' ends of connections.
#pragma once

#include "server/compat.h"

namespace leash {

// Asks the kernel about the peers of sessions that could be leaks by them, and stores
// the answers in their observations.  Called by the worker alone, once a round and
// after a sample.  Takes no lock; an answer that cannot be had makes the peer unknown.
void refresh_peers();

}  // namespace leash
