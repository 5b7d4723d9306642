#include "wire.h"

#include <arpa/inet.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

#include <algorithm>
#include <cerrno>
#include <cstdlib>
#include <cstring>

namespace leash::protocol {
namespace {

constexpr uint32_t kProtocolVersion = 3u << 16;

std::string int32_bytes(uint32_t value) {
    const uint32_t wire = htonl(value);
    return {reinterpret_cast<const char*>(&wire), sizeof wire};
}

std::string int16_bytes(size_t value) {
    const uint16_t wire = htons(static_cast<uint16_t>(value));
    return {reinterpret_cast<const char*>(&wire), sizeof wire};
}

uint32_t int32_at(const std::string& bytes, size_t offset) {
    uint32_t wire = 0;
    std::memcpy(&wire, bytes.data() + offset, sizeof wire);
    return ntohl(wire);
}

std::string zero_ended(const std::string& text) {
    return text + '\0';
}

std::string environment(const char* name) {
    const char* const value = std::getenv(name);
    if (value == nullptr || *value == '\0') {
        throw Broken(std::string(name) + " is not set");
    }
    return value;
}

int connect_to_server() {
    const std::string path = environment("PGHOST") + "/.s.PGSQL." + environment("PGPORT");
    sockaddr_un address{};
    address.sun_family = AF_UNIX;
    if (path.size() >= sizeof address.sun_path) {
        throw Broken("the socket's path is too long");
    }
    std::memcpy(address.sun_path, path.c_str(), path.size() + 1);
    const int fd = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    if (fd < 0 || connect(fd, reinterpret_cast<const sockaddr*>(&address), sizeof address) != 0) {
        const std::string why = std::strerror(errno);
        if (fd >= 0) {
            close(fd);
        }
        throw Broken("cannot connect to " + path + ": " + why);
    }
    return fd;
}

}  // namespace

std::string Message::error_field(char code) const {
    for (size_t at = 0; at < body.size() && body[at] != '\0';) {
        const std::string value = body.c_str() + at + 1;
        if (body[at] == code) {
            return value;
        }
        at += value.size() + 2;
    }
    return "";
}

int Answer::count(char type) const {
    return static_cast<int>(
        std::count_if(messages.begin(), messages.end(),
                      [type](const Message& message) { return message.type == type; }));
}

std::string Answer::sqlstate() const {
    for (const Message& message : messages) {
        if (message.type == 'E') {
            return message.sqlstate();
        }
    }
    return "";
}

std::string Answer::value() const {
    for (const Message& message : messages) {
        if (message.type == 'D' && message.body.size() >= 6) {
            const auto length = static_cast<int32_t>(int32_at(message.body, 2));
            return length < 0 ? "" : message.body.substr(6, static_cast<size_t>(length));
        }
    }
    return "";
}

Wire::Wire(const Login& login) : socket_(connect_to_server()) {
    try {
        start_up(login);
    } catch (...) {
        close(socket_);
        throw;
    }
    meter_.start();
}

Wire::~Wire() {
    close(socket_);
}

void Wire::start_up(const Login& login) {
    std::string body = int32_bytes(kProtocolVersion);
    const auto add_parameter = [&body](const char* name, const std::string& value) {
        body += zero_ended(name) + zero_ended(value);
    };
    add_parameter("user", environment("PGUSER"));
    add_parameter("database", login.database.empty() ? environment("PGDATABASE") : login.database);
    add_parameter("application_name", login.application);
    if (!login.options.empty()) {
        add_parameter("options", login.options);
    }
    body += '\0';
    write_all(int32_bytes(static_cast<uint32_t>(body.size() + 4)) + body);
    const Answer welcome = until('Z');
    if (!welcome.sqlstate().empty()) {
        throw Broken("login failed: " + welcome.sqlstate());
    }
    for (const Message& message : welcome.messages) {
        if (message.type == 'K') {
            pid_ = static_cast<int>(int32_at(message.body, 0));
        } else if (message.type == 'R' && int32_at(message.body, 0) != 0) {
            throw Broken("the server wants a password");
        }
    }
}

Wire& Wire::add(char type, const std::string& body) {
    outgoing_ += type + int32_bytes(static_cast<uint32_t>(body.size() + 4)) + body;
    return *this;
}

Wire& Wire::query(const std::string& sql) {
    ready_expected_++;
    return add('Q', zero_ended(sql));
}

Wire& Wire::parse(const std::string& statement, const std::string& sql) {
    return add('P', zero_ended(statement) + zero_ended(sql) + int16_bytes(0));
}

Wire& Wire::bind(const std::string& portal, const std::string& statement,
                 const std::vector<std::string>& values) {
    std::string body = zero_ended(portal) + zero_ended(statement) + int16_bytes(0);
    body += int16_bytes(values.size());
    for (const std::string& value : values) {
        body += int32_bytes(static_cast<uint32_t>(value.size())) + value;
    }
    return add('B', body + int16_bytes(0));
}

Wire& Wire::execute(const std::string& portal, uint32_t max_rows) {
    return add('E', zero_ended(portal) + int32_bytes(max_rows));
}

Wire& Wire::close_portal(const std::string& portal) {
    return add('C', 'P' + zero_ended(portal));
}

Wire& Wire::flush() {
    return add('H', "");
}

Wire& Wire::sync() {
    ready_expected_++;
    return add('S', "");
}

Wire& Wire::function_call(uint32_t function, const std::vector<uint32_t>& values) {
    ready_expected_++;
    std::string body = int32_bytes(function) + int16_bytes(1) + int16_bytes(1);
    body += int16_bytes(values.size());
    for (const uint32_t value : values) {
        body += int32_bytes(sizeof value) + int32_bytes(value);
    }
    return add('F', body + int16_bytes(1));
}

void Wire::send() {
    meter_.sent();
    write_all(outgoing_);
    outgoing_.clear();
}

void Wire::write_all(const std::string& bytes) {
    size_t done = 0;
    while (done < bytes.size()) {
        const ssize_t n = ::send(socket_, bytes.data() + done, bytes.size() - done, MSG_NOSIGNAL);
        if (n < 0 && errno == EPIPE) {
            return;  // the server has left; what it said last can still be read
        }
        if (n < 0 && errno != EINTR) {
            throw Broken(std::string("send: ") + std::strerror(errno));
        }
        done += n > 0 ? static_cast<size_t>(n) : 0;
    }
}

bool Wire::read_exactly(char* to, size_t size) {
    size_t done = 0;
    while (done < size) {
        const ssize_t n = recv(socket_, to + done, size - done, 0);
        if (n == 0 || (n < 0 && errno == ECONNRESET)) {
            return false;
        }
        if (n < 0 && errno != EINTR) {
            throw Broken(std::string("recv: ") + std::strerror(errno));
        }
        done += n > 0 ? static_cast<size_t>(n) : 0;
    }
    return true;
}

Message Wire::read() {
    Message message;
    char header[5];
    if (!read_exactly(header, sizeof header)) {
        return message;
    }
    message.type = header[0];
    uint32_t length = 0;
    std::memcpy(&length, header + 1, sizeof length);
    message.body.resize(ntohl(length) - 4);
    if (!read_exactly(message.body.data(), message.body.size())) {
        return {};
    }
    if (message.type == 'Z' && --ready_expected_ <= 0) {
        ready_expected_ = 0;
        meter_.ready(message.body[0] != 'I');
    }
    return message;
}

Answer Wire::until(char type) {
    Answer answer;
    for (;;) {
        answer.messages.push_back(read());
        const char last = answer.messages.back().type;
        if (last == type || last == 0 || (last == 'E' && type != 'Z')) {
            return answer;
        }
    }
}

Answer Wire::finish() {
    send();
    return until('Z');
}

size_t Wire::unread() const {
    int bytes = 0;
    if (ioctl(socket_, FIONREAD, &bytes) != 0) {
        throw Broken(std::string("FIONREAD: ") + std::strerror(errno));
    }
    return static_cast<size_t>(bytes);
}

}  // namespace leash::protocol
