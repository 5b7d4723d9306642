// The worker's own Unix socket, .s.pgleash.PORT beside the server's: for the server's
// OS user and root, when every connection slot is taken.
//
// core/control_request.h says what can be asked.  The answer is one JSON document,
// after which the connection is closed.
#pragma once

namespace leash {

// Opens the socket; logs and goes on without one when that fails.
void open_control_socket();

// A descriptor that is readable when there is something to do; -1: no socket.
int control_socket_descriptor();

// Does what can be done without waiting: new clients, requests, answers, clients that
// have been here for too long.  Returns after how many ms to call again at the latest,
// -1: only when the descriptor is readable.
long serve_control_socket();

void close_control_socket();

}  // namespace leash
