// One client of the control socket: its request comes in, its answer goes out.
#pragma once

#include "server/control_action.h"

namespace leash {

enum class ClientPhase : uint8_t {
    none,     // nobody is there
    reading,  // its request is not whole yet
    waiting,  // for the outcome of what it asked for
    writing,  // its answer has not gone out yet
};

struct ControlClient {
    int fd;
    uid_t user;
    ClientPhase phase;
    uint64_t deadline;  // monotonic, ns
    size_t received;
    size_t sent;
    MemoryContext context;  // of action and answer
    ControlAction* action;
    StringInfoData answer;
    char request[kControlRequestSize];
};

// Takes the next client that waits at the listener into `client`; one that may not be
// served is told so and sent away.  False when none waits.
bool accept_control_client(int listener, ControlClient& client, uint64_t now);

// Does what can be done for it without waiting.
void serve_control_client(ControlClient& client, uint64_t now);

void close_control_client(ControlClient& client);

}  // namespace leash
