#include "server/peer_socket.h"

#ifdef __linux__

#include <cerrno>

extern "C" {
#include <linux/inet_diag.h>
#include <linux/netlink.h>
#include <linux/rtnetlink.h>
#include <linux/sock_diag.h>
#include <netinet/in.h>
#include <netinet/tcp.h>
#include <sys/socket.h>
#include <unistd.h>

#include "storage/fd.h"
}

namespace leash {
namespace {

// One socket to the kernel for the life of the process.
int diagnostics = -1;
uint32_t port_id = 0;  // ours, as the kernel knows it
uint32_t sequence = 0;

// The kernel answers ENOENT when there is no such connection, and also when it has no
// diagnostics for TCP.  Any other answer shows that it has.
bool can_tell = false;

struct Question {
    nlmsghdr header;
    inet_diag_req_v2 what;
};

// Room for one answer: the message and struct tcp_info, however long it has become.
struct alignas(nlmsghdr) Answer {
    char bytes[2048];
};

bool open_diagnostics() {
    if (diagnostics >= 0) {
        return true;
    }
    const int fd = socket(AF_NETLINK, SOCK_DGRAM | SOCK_CLOEXEC | SOCK_NONBLOCK, NETLINK_SOCK_DIAG);
    if (fd < 0) {
        return false;
    }
    sockaddr_nl address{};
    address.nl_family = AF_NETLINK;
    socklen_t length = sizeof address;
    if (bind(fd, reinterpret_cast<sockaddr*>(&address), sizeof address) != 0 ||
        getsockname(fd, reinterpret_cast<sockaddr*>(&address), &length) != 0) {
        close(fd);
        return false;
    }
    ReserveExternalFD();
    diagnostics = fd;
    port_id = address.nl_pid;
    return true;
}

// A socket that answered what it was not asked is not to be trusted again.
void close_diagnostics() {
    close(diagnostics);
    ReleaseExternalFD();
    diagnostics = -1;
}

struct Endpoint {
    const void* address;
    size_t size;
    in_port_t port;  // in network order
    uint32_t scope;
};

Endpoint endpoint_of(const SockAddr& address) {
    if (address.addr.ss_family == AF_INET) {
        const auto* const v4 = reinterpret_cast<const sockaddr_in*>(&address.addr);
        return {&v4->sin_addr, sizeof v4->sin_addr, v4->sin_port, 0};
    }
    const auto* const v6 = reinterpret_cast<const sockaddr_in6*>(&address.addr);
    return {&v6->sin6_addr, sizeof v6->sin6_addr, v6->sin6_port, v6->sin6_scope_id};
}

// The kernel's view is the server's: the source is the server's end.
Question question_about(const SockAddr& client, const SockAddr& server) {
    const Endpoint source = endpoint_of(server);
    const Endpoint destination = endpoint_of(client);
    Question question{};
    question.header.nlmsg_len = sizeof question;
    question.header.nlmsg_type = SOCK_DIAG_BY_FAMILY;
    question.header.nlmsg_flags = NLM_F_REQUEST;
    question.header.nlmsg_seq = ++sequence;
    question.what.sdiag_family = static_cast<uint8_t>(server.addr.ss_family);
    question.what.sdiag_protocol = IPPROTO_TCP;
    question.what.idiag_ext = 1U << (INET_DIAG_INFO - 1);
    question.what.idiag_states = ~0U;
    inet_diag_sockid& id = question.what.id;
    id.idiag_sport = source.port;
    id.idiag_dport = destination.port;
    memcpy(id.idiag_src, source.address, source.size);
    memcpy(id.idiag_dst, destination.address, destination.size);
    id.idiag_if = source.scope;
    id.idiag_cookie[0] = id.idiag_cookie[1] = INET_DIAG_NOCOOKIE;
    return question;
}

bool send_question(const Question& question) {
    sockaddr_nl kernel{};
    kernel.nl_family = AF_NETLINK;
    return sendto(diagnostics, &question, sizeof question, MSG_DONTWAIT,
                  reinterpret_cast<sockaddr*>(&kernel),
                  sizeof kernel) == static_cast<ssize_t>(sizeof question);
}

// The kernel has answered when the question is sent: there is nothing to wait for.
// Answers to questions that were given up are skipped; null when there is no other.
const nlmsghdr* receive_answer(Answer& answer) {
    for (int i = 0; i < 8; i++) {
        sockaddr_nl from{};
        socklen_t length = sizeof from;
        const ssize_t size = recvfrom(diagnostics, answer.bytes, sizeof answer.bytes, MSG_DONTWAIT,
                                      reinterpret_cast<sockaddr*>(&from), &length);
        if (size < 0) {
            return nullptr;
        }
        const auto* const header = reinterpret_cast<const nlmsghdr*>(answer.bytes);
        if (length == sizeof from && from.nl_pid == 0 &&
            NLMSG_OK(header, static_cast<size_t>(size)) && header->nlmsg_pid == port_id &&
            header->nlmsg_seq == sequence) {
            return header;
        }
    }
    return nullptr;
}

constexpr SocketFacts kNoConnection = {TCP_CLOSE, 0, 0, 0};

// Where the kernel has put tcpi_bytes_acked, beyond what the C library knows of its struct.
constexpr size_t kBytesAcked = 120;

uint64_t bytes_acked(const rtattr& part) {
    uint64_t acked = 0;
    if (RTA_PAYLOAD(&part) >= kBytesAcked + sizeof acked) {
        memcpy(&acked, static_cast<const char*>(RTA_DATA(&part)) + kBytesAcked, sizeof acked);
    }
    return acked;
}

// Where no connection matches, the kernel tells of the socket that listens there.
bool is_about(const inet_diag_msg& told, const Question& question) {
    return told.id.idiag_sport == question.what.id.idiag_sport &&
           told.id.idiag_dport == question.what.id.idiag_dport;
}

bool read_facts(const nlmsghdr& header, const Question& question, SocketFacts& facts) {
    if (header.nlmsg_len < NLMSG_LENGTH(sizeof(inet_diag_msg))) {
        return false;
    }
    can_tell = true;
    const auto* const told = static_cast<const inet_diag_msg*>(NLMSG_DATA(&header));
    if (told->idiag_state == TCP_LISTEN || !is_about(*told, question)) {
        facts = kNoConnection;
        return true;
    }
    facts = {told->idiag_state, told->idiag_retrans, 0, 0};
    auto left = static_cast<int>(header.nlmsg_len - NLMSG_LENGTH(sizeof(inet_diag_msg)));
    for (const auto* part = reinterpret_cast<const rtattr*>(told + 1); RTA_OK(part, left);
         part = RTA_NEXT(part, left)) {
        if (part->rta_type == INET_DIAG_INFO &&
            RTA_PAYLOAD(part) >= offsetof(tcp_info, tcpi_unacked) + sizeof(uint32_t)) {
            const auto* const info = static_cast<const tcp_info*>(RTA_DATA(part));
            facts = {info->tcpi_state, info->tcpi_retransmits, info->tcpi_probes,
                     info->tcpi_unacked, bytes_acked(*part)};
            return true;
        }
    }
    // A connection that only waits for its end to be forgotten has no more to tell.
    return told->idiag_state == TCP_TIME_WAIT;
}

bool ask(const Question& question, SocketFacts& facts) {
    Answer answer;
    const nlmsghdr* const header = send_question(question) ? receive_answer(answer) : nullptr;
    if (header == nullptr) {
        close_diagnostics();
        return false;
    }
    if (header->nlmsg_type == NLMSG_ERROR) {
        const auto* const error = static_cast<const nlmsgerr*>(NLMSG_DATA(header));
        const bool missing = header->nlmsg_len >= NLMSG_LENGTH(sizeof(nlmsgerr)) &&
                             error->error == -ENOENT && can_tell;
        facts = kNoConnection;
        return missing;
    }
    return header->nlmsg_type == SOCK_DIAG_BY_FAMILY && read_facts(*header, question, facts);
}

bool is_tcp(const SockAddr& address) {
    return address.addr.ss_family == AF_INET || address.addr.ss_family == AF_INET6;
}

}  // namespace

PeerAnswer ask_peer(const SockAddr& client, const SockAddr& server) {
    SocketFacts facts;
    if (!is_tcp(server) || server.addr.ss_family != client.addr.ss_family || !open_diagnostics() ||
        !ask(question_about(client, server), facts)) {
        return {Peer::unknown, 0};
    }
    return {classify_peer(facts), facts.acked};
}

}  // namespace leash

#else

namespace leash {

PeerAnswer ask_peer(const SockAddr&, const SockAddr&) {
    return {Peer::unknown, 0};
}

}  // namespace leash

#endif
