#include "server/control_client.h"

#include <sys/socket.h>
#include <unistd.h>

#include "server/control_listener.h"
#include "server/control_reply.h"

extern "C" {
#include "port.h"
#include "storage/fd.h"
#include "utils/memutils.h"
#include "utils/wait_event.h"
}

namespace leash {
namespace {

constexpr uint64_t kSecond = 1'000'000'000;
constexpr uint64_t kTimeToAsk = 5 * kSecond;
constexpr uint64_t kTimeToRead = 10 * kSecond;
constexpr uint64_t kBetweenComplaints = 60 * kSecond;
constexpr size_t kChunk = size_t{256} * 1024;  // of an answer, before others get their turn

bool would_block(int error) {
    return error == EAGAIN || error == EWOULDBLOCK || error == EINTR;
}

// Starts an answer, in place of one that was begun.
void begin_answer(ControlClient& client) {
    if (client.context == nullptr) {
        client.context = AllocSetContextCreate(TopMemoryContext, "pg_leash control client",
                                               ALLOCSET_DEFAULT_SIZES);
    } else {
        MemoryContextReset(client.context);
    }
    const MemoryContext old = MemoryContextSwitchTo(client.context);
    client.action = nullptr;
    initStringInfo(&client.answer);
    MemoryContextSwitchTo(old);
}

void refuse(ControlClient& client, const char* sqlstate, const char* message) {
    begin_answer(client);
    write_error(sqlstate, message, &client.answer);
}

// --- who it is -----------------------------------------------------------------

// At most one line a minute, however many come.
void log_refusal(uid_t user, uint64_t now) {
    static uint64_t next = 0;
    static int unsaid = 0;
    if (now < next) {
        unsaid++;
        return;
    }
    ereport(LOG, (errhidecontext(true),
                  errmsg("pg_leash refused OS user %u at its control socket",
                         static_cast<unsigned>(user)),
                  errdetail("The server's own OS user and root alone may use it; %d more were "
                            "refused since the last such message.",
                            unsaid)));
    next = now + kBetweenComplaints;
    unsaid = 0;
}

// The kernel says who is at the other end; whoever can read the server's files anyway
// may ask.
bool may_ask(int fd, uid_t& user, uint64_t now) {
    gid_t group = 0;
    if (getpeereid(fd, &user, &group) != 0) {
        return false;
    }
    if (user == geteuid() || user == 0) {
        return true;
    }
    log_refusal(user, now);
    return false;
}

void send_away(int fd) {
    constexpr char kAnswer[] =
        "{\"schema_version\":1,\"error\":\"only the server's own OS user and root may use the "
        "control socket\",\"sqlstate\":\"42501\"}\n";
    (void)send(fd, kAnswer, sizeof kAnswer - 1, MSG_DONTWAIT);
}

// --- its answer ------------------------------------------------------------------

// Runs a step in a transaction of its own.  An error is the client's to read, and no
// reason for the worker to lose a beat.
template <class Step>
void run_safely(ControlClient& client, Step step) {
    const MemoryContext old = CurrentMemoryContext;
    pgstat_report_activity(STATE_RUNNING, "pg_leash: answering the control socket");
    PG_TRY();
    {
        SetCurrentStatementStartTimestamp();
        StartTransactionCommand();
        step();
        CommitTransactionCommand();
    }
    PG_CATCH();
    {
        char message[256];
        MemoryContextSwitchTo(client.context);
        const ErrorData* const error = CopyErrorData();
        const int code = error->sqlerrcode;
        strlcpy(message, error->message != nullptr ? error->message : "", sizeof message);
        EmitErrorReport();
        FlushErrorState();
        AbortCurrentTransaction();
        MemoryContextSwitchTo(old);
        refuse(client, unpack_sql_state(code), message);
    }
    PG_END_TRY();
    MemoryContextSwitchTo(old);
    pgstat_report_activity(STATE_IDLE, nullptr);
}

// What the client asked for may have to be waited for; then its answer comes later.
void look_at_action(ControlClient& client, uint64_t now) {
    if (is_complete(*client.action, now)) {
        run_safely(client, [&] { finish_action(*client.action, &client.answer); });
        client.phase = ClientPhase::writing;
        client.deadline = now + kTimeToRead;
    }
}

void begin(ControlClient& client, const ControlRequest& request, uint64_t now) {
    run_safely(client, [&] {
        if (is_action(request.verb)) {
            MemoryContextSwitchTo(client.context);
            client.action = static_cast<ControlAction*>(palloc0(sizeof(ControlAction)));
            begin_action(*client.action, request, client.user, now);
        } else {
            write_reply(request, &client.answer);
        }
    });
}

void answer(ControlClient& client, size_t length, uint64_t now) {
    ControlRequest request{};
    const RequestProblem problem = parse_control_request({client.request, length}, request);
    if (problem != RequestProblem::none) {
        refuse(client, "42601", describe(problem));
        return;
    }
    begin_answer(client);
    begin(client, request, now);
}

void read_request(ControlClient& client, uint64_t now) {
    const size_t room = sizeof client.request - client.received;
    const ssize_t length = recv(client.fd, client.request + client.received, room, MSG_DONTWAIT);
    if (length < 0 && would_block(errno)) {
        return;
    }
    if (length <= 0) {
        close_control_client(client);
        return;
    }
    client.received += static_cast<size_t>(length);
    const auto* const end = static_cast<const char*>(memchr(client.request, '\n', client.received));
    if (end != nullptr) {
        answer(client, static_cast<size_t>(end - client.request), now);
    } else if (client.received == sizeof client.request) {
        refuse(client, "54000", "the request is too long");
    } else {
        return;
    }
    client.phase = client.action != nullptr ? ClientPhase::waiting : ClientPhase::writing;
    client.deadline = now + kTimeToRead;
}

void write_answer(ControlClient& client) {
    size_t turn = 0;
    const auto whole = static_cast<size_t>(client.answer.len);
    while (client.sent < whole && turn < kChunk) {
        const ssize_t length =
            send(client.fd, client.answer.data + client.sent, whole - client.sent, MSG_DONTWAIT);
        if (length < 0 && would_block(errno)) {
            return;
        }
        if (length <= 0) {
            close_control_client(client);
            return;
        }
        client.sent += static_cast<size_t>(length);
        turn += static_cast<size_t>(length);
    }
    if (client.sent == whole) {
        close_control_client(client);
    }
}

}  // namespace

bool accept_control_client(int listener, ControlClient& client, uint64_t now) {
    const int fd = accept(listener, nullptr, nullptr);
    if (fd < 0) {
        return false;
    }
    if (!AcquireExternalFD()) {
        (void)close(fd);
        return false;
    }
    uid_t user = 0;
    if (!set_up_descriptor(fd) || !may_ask(fd, user, now)) {
        send_away(fd);
        (void)close(fd);
        ReleaseExternalFD();
        return true;
    }
    client = {};
    client.fd = fd;
    client.user = user;
    client.phase = ClientPhase::reading;
    client.deadline = now + kTimeToAsk;
    return true;
}

void serve_control_client(ControlClient& client, uint64_t now) {
    if (now >= client.deadline) {
        close_control_client(client);
        return;
    }
    if (client.phase == ClientPhase::reading) {
        read_request(client, now);
    }
    if (client.phase == ClientPhase::waiting) {
        look_at_action(client, now);
    }
    if (client.phase == ClientPhase::writing) {
        write_answer(client);
    }
}

void close_control_client(ControlClient& client) {
    (void)close(client.fd);
    ReleaseExternalFD();
    if (client.context != nullptr) {
        MemoryContextDelete(client.context);
    }
    client = {};
    client.fd = -1;
}

}  // namespace leash
