#include "server/signal.h"

#include <cerrno>
#include <csignal>
#include <unistd.h>
#ifdef __linux__
#include <sys/syscall.h>
#endif

namespace leash {

ProcessHandle::ProcessHandle(int pid) : pid_(pid), fd_(-1) {
#if defined(__linux__) && defined(SYS_pidfd_open)
    fd_ = static_cast<int>(syscall(SYS_pidfd_open, pid, 0));
#endif
}

bool ProcessHandle::send(int signal) const {
    if (pid_ <= 1) {
        return false;
    }
#if defined(__linux__) && defined(SYS_pidfd_send_signal)
    if (fd_ >= 0) {
        return syscall(SYS_pidfd_send_signal, fd_, signal, nullptr, 0) == 0;
    }
#endif
    return kill(pid_, signal) == 0;
}

bool ProcessHandle::send_to_group(int signal) const {
    if (pid_ <= 1) {
        return false;
    }
#ifdef HAVE_SETSID
    return kill(-pid_, signal) == 0;
#else
    return kill(pid_, signal) == 0;
#endif
}

void ProcessHandle::close() const {
    if (fd_ >= 0) {
        ::close(fd_);
    }
}

}  // namespace leash
