// A client that speaks protocol 3 itself, for what libpq's interface does not
// reach: portals with a row limit, messages without a Sync.  Unix sockets and
// trust authentication only; one message after the other, nothing in parallel.
#pragma once

#include <cstdint>
#include <string>
#include <vector>

#include "meter.h"
#include "session.h"

namespace leash::protocol {

struct Message {
    char type = 0;
    std::string body;

    // A field of an ErrorResponse; empty when there is none.
    std::string error_field(char code) const;
    std::string sqlstate() const { return error_field('C'); }
};

// What an exchange brought, up to the message it was to end with.
struct Answer {
    std::vector<Message> messages;

    int count(char type) const;
    // Of the first ErrorResponse; empty: there was none.
    std::string sqlstate() const;
    // First column of the first DataRow, as text.
    std::string value() const;
};

class Wire {
public:
    explicit Wire(const Login& login = {});
    ~Wire();
    Wire(const Wire&) = delete;
    Wire& operator=(const Wire&) = delete;

    // These gather messages; send() sends them.
    Wire& query(const std::string& sql);
    Wire& parse(const std::string& statement, const std::string& sql);
    Wire& bind(const std::string& portal, const std::string& statement,
               const std::vector<std::string>& values = {});
    Wire& execute(const std::string& portal, uint32_t max_rows = 0);
    Wire& close_portal(const std::string& portal);
    Wire& flush();
    Wire& sync();
    // Binary arguments and result.
    Wire& function_call(uint32_t function, const std::vector<uint32_t>& values);
    void send();

    Message read();
    // Up to and including the first message of that type.  An ErrorResponse is an
    // answer too, unless ReadyForQuery is waited for; so is the end of the connection.
    Answer until(char type);
    // send(), then until ReadyForQuery.
    Answer finish();

    // What lies unread in the kernel, in bytes.
    size_t unread() const;
    int pid() const { return pid_; }
    Meter& meter() { return meter_; }

private:
    Wire& add(char type, const std::string& body);
    void start_up(const Login& login);
    void write_all(const std::string& bytes);
    bool read_exactly(char* to, size_t size);

    int socket_ = -1;
    int pid_ = 0;
    int ready_expected_ = 0;
    std::string outgoing_;
    Meter meter_;
};

}  // namespace leash::protocol
