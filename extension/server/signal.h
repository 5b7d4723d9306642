// Signals to exactly one process.
#pragma once

#include "server/compat.h"

namespace leash {

// A handle on a process.  On Linux a pidfd, which can never come to mean another
// process; elsewhere the bare pid, which cannot be reused while a claim is in
// flight, because the exiting backend waits for it.
class ProcessHandle {
public:
    explicit ProcessHandle(int pid);

    // Signals the process; false when it is gone.
    bool send(int signal) const;

    // Signals its group, as pg_cancel_backend does, so that a program started by
    // COPY hears it too.  Only with a cancel in flight.
    bool send_to_group(int signal) const;

    // No destructor: an ereport would leap over it.
    void close() const;

private:
    int pid_;
    int fd_;
};

}  // namespace leash
