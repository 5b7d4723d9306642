#include "server/control_socket.h"

#include <unistd.h>

#ifdef __linux__
#include <sys/epoll.h>
#endif

#include "server/clock.h"
#include "server/control_client.h"
#include "server/control_listener.h"

extern "C" {
#include "storage/fd.h"
#include "storage/ipc.h"
#include "utils/memutils.h"
}

namespace leash {
namespace {

constexpr int kMaxClients = 8;
constexpr int kAcceptsAtOnce = 16;  // those who are sent away take no place
constexpr uint64_t kMillisecond = 1'000'000;
constexpr uint64_t kUpkeepInterval = 60'000 * kMillisecond;
constexpr long kLookEvery = 5;  // ms, while an outcome is awaited
#ifndef __linux__
constexpr long kPollInterval = 50;  // ms, while there are clients
#endif

ControlListener listener = {-1, -1, "", ""};
ControlClient clients[kMaxClients];
uint64_t next_upkeep = 0;

ControlClient* free_place() {
    for (ControlClient& client : clients) {
        if (client.phase == ClientPhase::none) {
            return &client;
        }
    }
    return nullptr;
}

// --- one descriptor for all --------------------------------------------------------

// An epoll descriptor stands for the listener and all clients, so that the worker waits
// for one descriptor however many there are.
#ifdef __linux__

int epoll = -1;

// Without events it is taken out: an end that hung up would be reported all the time.
void watch(int fd, uint32_t events) {
    epoll_event event{};
    event.events = events;
    event.data.fd = fd;
    if (events == 0) {
        (void)epoll_ctl(epoll, EPOLL_CTL_DEL, fd, &event);
    } else if (epoll_ctl(epoll, EPOLL_CTL_MOD, fd, &event) != 0 && errno == ENOENT) {
        (void)epoll_ctl(epoll, EPOLL_CTL_ADD, fd, &event);
    }
}

uint32_t events_of(ClientPhase phase) {
    switch (phase) {
        case ClientPhase::reading:
            return EPOLLIN;
        case ClientPhase::writing:
            return EPOLLOUT;
        default:
            return 0;
    }
}

// Closed descriptors leave it by themselves.
void watch_all() {
    watch(listener.fd, free_place() != nullptr ? uint32_t{EPOLLIN} : 0);
    for (const ControlClient& client : clients) {
        if (client.phase != ClientPhase::none) {
            watch(client.fd, events_of(client.phase));
        }
    }
}

bool open_watch() {
    if (!AcquireExternalFD()) {
        return false;
    }
    epoll = epoll_create1(EPOLL_CLOEXEC);
    if (epoll < 0) {
        ReleaseExternalFD();
        return false;
    }
    return true;
}

void close_watch() {
    if (epoll >= 0) {
        (void)close(epoll);
        ReleaseExternalFD();
        epoll = -1;
    }
}

#else

void watch_all() {}

bool open_watch() {
    return true;
}

void close_watch() {}

#endif

// --- upkeep --------------------------------------------------------------------------

void close_at_exit(int, Datum) {
    close_control_socket();
}

void try_to_open() {
    const MemoryContext scratch = AllocSetContextCreate(
        CurrentMemoryContext, "pg_leash control socket", ALLOCSET_SMALL_SIZES);
    const MemoryContext old = MemoryContextSwitchTo(scratch);
    if (open_control_listener(listener)) {
        if (open_watch()) {
            watch_all();
        } else {
            close_control_listener(listener);
        }
    }
    MemoryContextSwitchTo(old);
    MemoryContextDelete(scratch);
}

// Once a minute: what could not be opened may be possible now, and a file that somebody
// has removed is made again.
void keep_up(uint64_t now) {
    next_upkeep = now + kUpkeepInterval;
    if (listener.fd >= 0 && !touch_control_listener(listener)) {
        close_control_socket();
    }
    if (listener.fd < 0) {
        try_to_open();
    }
}

// --- clients ---------------------------------------------------------------------------

void accept_clients(uint64_t now) {
    for (int i = 0; i < kAcceptsAtOnce; i++) {
        ControlClient* const place = free_place();
        if (place == nullptr || !accept_control_client(listener.fd, *place, now)) {
            return;
        }
    }
}

void serve_clients(uint64_t now) {
    for (ControlClient& client : clients) {
        if (client.phase != ClientPhase::none) {
            serve_control_client(client, now);
        }
    }
}

long ms_to_next_look(const ControlClient& client, uint64_t now) {
    if (client.phase == ClientPhase::waiting) {
        return kLookEvery;
    }
    const uint64_t left = client.deadline > now ? client.deadline - now : 0;
    const long ms = static_cast<long>((left + kMillisecond - 1) / kMillisecond);
#ifdef __linux__
    return ms;
#else
    return Min(ms, kPollInterval);
#endif
}

}  // namespace

void open_control_socket() {
    for (ControlClient& client : clients) {
        client.phase = ClientPhase::none;
    }
    on_proc_exit(close_at_exit, 0);
    keep_up(monotonic_ns());
}

int control_socket_descriptor() {
#ifdef __linux__
    return epoll;
#else
    return free_place() != nullptr ? listener.fd : -1;
#endif
}

long serve_control_socket() {
    const uint64_t now = monotonic_ns();
    if (now >= next_upkeep) {
        keep_up(now);
    }
    if (listener.fd < 0) {
        return -1;
    }
    serve_clients(now);
    accept_clients(now);
    watch_all();
    long wait = -1;
    for (const ControlClient& client : clients) {
        if (client.phase != ClientPhase::none) {
            const long ms = ms_to_next_look(client, now);
            wait = wait < 0 ? ms : Min(wait, ms);
        }
    }
    return wait;
}

void close_control_socket() {
    for (ControlClient& client : clients) {
        if (client.phase != ClientPhase::none) {
            close_control_client(client);
        }
    }
    close_watch();
    close_control_listener(listener);
}

}  // namespace leash
