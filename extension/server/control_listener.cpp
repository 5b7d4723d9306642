#include "server/control_listener.h"

#include <fcntl.h>
#include <sys/file.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>
#include <utime.h>

extern "C" {
#include "libpq/pqcomm.h"
#include "storage/fd.h"
#include "utils/varlena.h"
}

namespace leash {
namespace {

constexpr int kBacklog = 64;
constexpr int kLockTries = 10;  // against somebody who removes the file meanwhile

char last_complaint[256] = "";

// Logs a reason for having no socket, unless it is still the last one.
void complain(const char* path, const char* reason) {
    char text[sizeof last_complaint];
    pg_snprintf(text, sizeof text, "%s: %s", path, reason);
    if (strcmp(text, last_complaint) == 0) {
        return;
    }
    strlcpy(last_complaint, text, sizeof last_complaint);
    ereport(LOG, (errhidecontext(true),
                  errmsg("pg_leash has no control socket \"%s\": %s", path, reason),
                  errhint("Without it pgleash cannot reach the server when every connection slot "
                          "is taken.")));
}

// The first of unix_socket_directories; empty when there is none.
void first_directory(char* directory, size_t size) {
    directory[0] = '\0';
    List* directories = NIL;
    char* const setting = pstrdup(Unix_socket_directories);
    if (SplitDirectoriesString(setting, ',', &directories) && directories != NIL) {
        strlcpy(directory, static_cast<char*>(linitial(directories)), size);
    }
    list_free_deep(directories);
    pfree(setting);
}

bool name_files(ControlListener& listener) {
    char directory[MAXPGPATH];
    first_directory(directory, sizeof directory);
    pg_snprintf(listener.path, sizeof listener.path, "%s/.s.pgleash.%d", directory, PostPortNumber);
    pg_snprintf(listener.lock_path, sizeof listener.lock_path, "%s.lock", listener.path);
    if (directory[0] == '\0') {
        complain(listener.path, "unix_socket_directories is empty");
        return false;
    }
    if (directory[0] == '@') {
        complain(listener.path,
                 "it cannot be in the abstract namespace, where no file says who "
                 "may use it");
        return false;
    }
    if (strlen(listener.path) >= UNIXSOCK_PATH_BUFLEN) {
        complain(listener.path, psprintf("its path is longer than %d bytes",
                                         static_cast<int>(UNIXSOCK_PATH_BUFLEN) - 1));
        return false;
    }
    return true;
}

// Opens the lock file, which must be ours; -1 with a reason when that fails.
int open_lock(const char* path, const char** reason) {
    const int fd = open(path, O_RDWR | O_CREAT | O_CLOEXEC | O_NOFOLLOW, 0600);
    struct stat file {};
    if (fd < 0 || fstat(fd, &file) != 0) {
        *reason = psprintf("could not open its lock file: %s", strerror(errno));
    } else if (!S_ISREG(file.st_mode) || file.st_uid != geteuid()) {
        *reason = "its lock file belongs to somebody else";
    } else {
        return fd;
    }
    if (fd >= 0) {
        (void)close(fd);
    }
    return -1;
}

// Whether the path still names the file that is open.
bool is_at(const char* path, int fd) {
    struct stat there {};
    struct stat ours {};
    return lstat(path, &there) == 0 && fstat(fd, &ours) == 0 && there.st_dev == ours.st_dev &&
           there.st_ino == ours.st_ino;
}

const char* describe_holder(int fd) {
    char pid[32] = "";
    if (pread(fd, pid, sizeof pid - 1, 0) <= 0) {
        return "another server uses it";
    }
    return psprintf("another server uses it, whose worker has PID %ld", strtol(pid, nullptr, 10));
}

// The kernel gives the lock back when its holder is gone, however it went: the file of a
// dead process is then taken over.
bool take_lock(ControlListener& listener) {
    const char* reason = "its lock file is removed again and again";
    for (int i = 0; i < kLockTries; i++) {
        const int fd = open_lock(listener.lock_path, &reason);
        if (fd < 0) {
            break;
        }
        if (flock(fd, LOCK_EX | LOCK_NB) != 0) {
            reason = errno == EWOULDBLOCK
                         ? describe_holder(fd)
                         : psprintf("could not lock its lock file: %s", strerror(errno));
            (void)close(fd);
            break;
        }
        if (is_at(listener.lock_path, fd)) {
            char pid[32];
            const int length = pg_snprintf(pid, sizeof pid, "%d\n", MyProcPid);
            if (ftruncate(fd, 0) == 0 &&
                pwrite(fd, pid, static_cast<size_t>(length), 0) == length) {
                listener.lock = fd;
                return true;
            }
            reason = psprintf("could not write its lock file: %s", strerror(errno));
            (void)close(fd);
            break;
        }
        (void)close(fd);
    }
    complain(listener.path, reason);
    return false;
}

bool bind_and_listen(ControlListener& listener) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    strlcpy(address.sun_path, listener.path, sizeof address.sun_path);
    listener.fd = socket(AF_UNIX, SOCK_STREAM, 0);
    if (listener.fd < 0 || !set_up_descriptor(listener.fd)) {
        return false;
    }
    (void)unlink(listener.path);
    const mode_t mask = umask(0077);
    const int bound =
        bind(listener.fd, reinterpret_cast<const sockaddr*>(&address), sizeof address);
    const int error = errno;
    (void)umask(mask);
    errno = error;
    return bound == 0 && listen(listener.fd, kBacklog) == 0;
}

void release(int& fd) {
    if (fd >= 0) {
        (void)close(fd);
        ReleaseExternalFD();
        fd = -1;
    }
}

}  // namespace

bool set_up_descriptor(int fd) {
    return fcntl(fd, F_SETFD, FD_CLOEXEC) == 0 && pg_set_noblock(fd);
}

bool open_control_listener(ControlListener& listener) {
    listener.fd = listener.lock = -1;
    if (!name_files(listener)) {
        return false;
    }
    if (!AcquireExternalFD()) {
        complain(listener.path, "too many files are open");
        return false;
    }
    if (!take_lock(listener)) {
        ReleaseExternalFD();
        return false;
    }
    if (!AcquireExternalFD()) {
        complain(listener.path, "too many files are open");
        close_control_listener(listener);
        return false;
    }
    if (!bind_and_listen(listener)) {
        complain(listener.path, strerror(errno));
        if (listener.fd < 0) {
            ReleaseExternalFD();
        }
        close_control_listener(listener);
        return false;
    }
    last_complaint[0] = '\0';
    ereport(LOG, (errhidecontext(true),
                  errmsg("pg_leash listens on Unix socket \"%s\"", listener.path)));
    return true;
}

bool touch_control_listener(const ControlListener& listener) {
    (void)utime(listener.lock_path, nullptr);
    return utime(listener.path, nullptr) == 0 || errno != ENOENT;
}

void close_control_listener(ControlListener& listener) {
    if (listener.fd >= 0) {
        (void)unlink(listener.path);
    }
    release(listener.fd);
    if (listener.lock >= 0) {
        // While the lock is held, so that nobody else's file is removed.
        (void)unlink(listener.lock_path);
    }
    release(listener.lock);
}

}  // namespace leash
