#include "connection/control_socket.h"

#include <cerrno>
#include <cstring>

#include <fmt/format.h>
#include <pwd.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/time.h>
#include <sys/un.h>
#include <unistd.h>

#include "descriptor.h"

namespace leash::tool {
namespace {

using Reason = ControlError::Reason;

constexpr const char* kDefaultDirectories[] = {"/var/run/postgresql", "/tmp"};
constexpr time_t kTimeToSend = 5;
constexpr time_t kTimeToAnswer = 20;  // the worker waits up to 5 s for a session to exit
constexpr std::size_t kLargestAnswer = std::size_t{64} * 1024 * 1024;
constexpr int kSchemaVersion = 1;

[[noreturn]] void fail(Reason reason, const std::string& path, const std::string& why) {
    throw ControlError(reason, fmt::format("the worker's socket \"{}\": {}", path, why));
}

std::string user_name(uid_t user) {
    const passwd* entry = getpwuid(user);
    return entry == nullptr ? fmt::format("{}", user) : std::string(entry->pw_name);
}

void set_timeout(int fd, int option, time_t seconds) {
    timeval limit{};
    limit.tv_sec = seconds;
    setsockopt(fd, SOL_SOCKET, option, &limit, sizeof limit);
}

bool peer_of(int fd, uid_t& user) {
#ifdef SO_PEERCRED
    ucred peer{};
    socklen_t size = sizeof peer;
    if (getsockopt(fd, SOL_SOCKET, SO_PEERCRED, &peer, &size) != 0) {
        return false;
    }
    user = peer.uid;
    return true;
#else
    gid_t group = 0;
    return getpeereid(fd, &user, &group) == 0;
#endif
}

// Whoever may write to the directory could have made a socket of that name; the server's
// own socket says whom the real one belongs to.
void check_peer(int fd, const std::string& path, const std::string& server) {
    struct stat file {};
    uid_t peer = 0;
    if (stat(server.c_str(), &file) != 0) {
        fail(Reason::strange, path, fmt::format("there is no \"{}\" beside it", server));
    }
    if (!peer_of(fd, peer)) {
        fail(Reason::strange, path, "the system does not tell who listens there");
    }
    if (peer != file.st_uid && peer != 0) {
        fail(Reason::strange, path,
             fmt::format("OS user {} listens there, but the server's socket belongs to {}",
                         user_name(peer), user_name(file.st_uid)));
    }
}

void connect_to(int fd, const std::string& path) {
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        fail(Reason::absent, path, "its path is too long");
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    while (connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        switch (errno) {
            case EINTR:
                continue;
            case EACCES:
            case EPERM:
                fail(Reason::denied, path, std::strerror(errno));
            case ENOENT:
            case ENOTDIR:
                fail(Reason::absent, path, std::strerror(errno));
            default:
                fail(Reason::silent, path, std::strerror(errno));
        }
    }
}

void send_all(int fd, const std::string& path, const char* text, std::size_t length) {
    while (length > 0) {
        const ssize_t sent = send(fd, text, length, MSG_NOSIGNAL);
        if (sent < 0 && errno == EINTR) {
            continue;
        }
        if (sent < 0 && errno == EPIPE) {
            return;  // turned away; it has said why
        }
        if (sent <= 0) {
            fail(Reason::silent, path, std::strerror(errno));
        }
        text += sent;
        length -= static_cast<std::size_t>(sent);
    }
}

std::string receive_all(int fd, const std::string& path) {
    std::string answer;
    char buffer[65536];
    while (answer.size() < kLargestAnswer) {
        const ssize_t length = recv(fd, buffer, sizeof buffer, 0);
        if (length > 0) {
            answer.append(buffer, static_cast<std::size_t>(length));
        } else if (length == 0 || (errno == ECONNRESET && !answer.empty())) {
            return answer;
        } else if (errno != EINTR) {
            fail(Reason::silent, path,
                 errno == EAGAIN ? "the worker does not answer" : std::strerror(errno));
        }
    }
    fail(Reason::strange, path, "the answer has no end");
}

}  // namespace

std::vector<std::string> control_directories(const std::string& host) {
    if (host.starts_with('/')) {
        return {host};
    }
    if (host.empty() || host == "localhost" || host == "::1" || host.starts_with("127.")) {
        return {std::begin(kDefaultDirectories), std::end(kDefaultDirectories)};
    }
    return {};
}

std::string control_path(const std::string& directory, const std::string& port) {
    return fmt::format("{}/.s.pgleash.{}", directory, port);
}

nlohmann::json parse_control_answer(const std::string& text, const std::string& path) {
    if (text.empty()) {
        fail(Reason::silent, path, "the worker closed the connection without an answer");
    }
    nlohmann::json document = nlohmann::json::parse(text, nullptr, false);
    if (!document.is_object() || !document.contains("schema_version") ||
        document["schema_version"] != kSchemaVersion) {
        fail(Reason::strange, path, "the answer is of another version of pg_leash, or damaged");
    }
    return document;
}

nlohmann::json ask_worker(const std::string& directory, const std::string& port,
                          const ControlRequest& request) {
    const std::string path = control_path(directory, port);
    const Descriptor socket_fd(socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0));
    if (socket_fd.get() < 0) {
        fail(Reason::silent, path, std::strerror(errno));
    }
    // Also bounds how long to wait for a place in the queue of those who connect.
    set_timeout(socket_fd.get(), SO_SNDTIMEO, kTimeToSend);
    set_timeout(socket_fd.get(), SO_RCVTIMEO, kTimeToAnswer);
    connect_to(socket_fd.get(), path);
    check_peer(socket_fd.get(), path, fmt::format("{}/.s.PGSQL.{}", directory, port));
    char line[kControlRequestSize];
    const std::size_t length = format_control_request(request, line);
    send_all(socket_fd.get(), path, line, length);
    return parse_control_answer(receive_all(socket_fd.get(), path), path);
}

std::string owner_of(const std::string& path) {
    struct stat file {};
    return stat(path.c_str(), &file) == 0 ? user_name(file.st_uid) : std::string();
}

}  // namespace leash::tool
