// The file of the control socket, and the lock that says whose it is.
#pragma once

#include "server/compat.h"

namespace leash {

struct ControlListener {
    int fd;    // listens; -1: there is none
    int lock;  // holds the lock on lock_path
    char path[MAXPGPATH];
    char lock_path[MAXPGPATH];
};

// Makes the socket in the first of unix_socket_directories.  When it cannot, says why
// in the server's log, once for each reason, and returns false.
bool open_control_listener(ControlListener& listener);

// Keeps cleaners of old files away; false when the socket's file has been removed.
bool touch_control_listener(const ControlListener& listener);

// Closes the socket and removes its files.
void close_control_listener(ControlListener& listener);

// A descriptor that is not inherited by programs and never blocks; false with errno set.
bool set_up_descriptor(int fd);

}  // namespace leash
