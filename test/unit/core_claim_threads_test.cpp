// The claim under real threads: a backend that serves one session after the other
// in the same slot and with the same process number, two reapers, and a canceller.
// Built with ThreadSanitizer too, which also watches the plain variables that only
// the claim protects.
#include <gtest/gtest.h>

#include <atomic>
#include <cstdint>
#include <thread>

#include "core/claim.h"

namespace leash::test {
namespace {

struct StdAtomic {
    std::atomic<uint64_t> value;

    uint64_t load() { return value.load(); }
    void store(uint64_t v) { value.store(v); }
    uint64_t fetch_add(uint64_t v) { return value.fetch_add(v); }
    uint64_t fetch_or(uint64_t v) { return value.fetch_or(v); }
    uint64_t fetch_and(uint64_t v) { return value.fetch_and(v); }
    bool compare_exchange(uint64_t& expected, uint64_t desired) {
        return value.compare_exchange_strong(expected, desired);
    }
};

constexpr uint64_t kSessions = 20'000;
constexpr int kMessages = 12;

// session, message and whether it is active, as PostgreSQL reports them.
constexpr uint64_t report(uint64_t session, uint64_t message, bool active) {
    return session << 32 | message << 1 | (active ? 1 : 0);
}

struct Server {
    StdAtomic word{0};
    std::atomic<uint64_t> reported{0};
    std::atomic<uint64_t> process{0};  // the session whose process is alive, 0: none
    std::atomic<uint64_t> ended_message{0};
    std::atomic<uint64_t> terminated{0};  // the session that SIGTERM was sent to
    std::atomic<bool> over{false};

    // Not atomic.  `statement` is written while a statement runs and read under a
    // claim; `identity` is written at login and read while a signal is in flight.
    uint64_t statement = 0;
    uint64_t identity = 0;

    std::atomic<uint64_t> claims{0};
    std::atomic<uint64_t> refused{0};
    std::atomic<uint64_t> killed{0};
    std::atomic<uint64_t> completed{0};
    std::atomic<uint64_t> cancels{0};
    std::atomic<uint64_t> spared{0};
    std::atomic<uint64_t> broken{0};

    void require(bool holds) { broken += holds ? 0 : 1; }
};

void yield() {
    std::this_thread::yield();
}

class Backend {
public:
    explicit Backend(Server& server) : server_(server) {}

    void serve(uint64_t session) {
        session_ = session;
        server_.identity = session;
        server_.process = session;
        server_.reported = report(session, 0, false);
        claim::open(server_.word);
        bool alive = true;
        for (int i = 0; i < kMessages && alive; i++) {
            alive = message();
            if (i % 4 == 3) {
                yield();  // a client that thinks
            }
        }
        claim::close(server_.word, yield);
        server_.process = 0;
        server_.reported = 0;
    }

private:
    bool message() {
        if (server_.terminated.load() == session_) {
            server_.killed++;
            return false;
        }
        const uint64_t number = ++number_;
        server_.reported = report(session_, number, true);
        if (claim::start(server_.word) && claim::confirmed(server_.word, yield)) {
            server_.refused++;
            return false;
        }
        server_.ended_message = 0;
        server_.statement = number;
        // Nobody claims a running statement as idle.
        server_.require((server_.word.load() & claim::kClaimed) == 0);
        server_.ended_message = number;
        if (claim::end(server_.word)) {
            claim::await_signals(server_.word, claim::kCancelInFlight, yield);
        }
        server_.reported = report(session_, number, false);
        server_.completed++;
        return true;
    }

    Server& server_;
    uint64_t session_ = 0;
    uint64_t number_ = 0;
};

void reap(Server& server) {
    while (!server.over) {
        const uint64_t seen = server.word.load();
        const uint64_t judged = server.reported;
        const uint64_t target = judged >> 32;
        if (target == 0 || (judged & 1) != 0 || (seen & claim::kOpen) == 0) {
            yield();
            continue;
        }
        uint64_t last_statement = 0;
        const claim::Result result = claim::claim_idle(
            server.word, seen, 7, [&] { return server.reported.load() == judged; },
            [&](int step) {
                if (step == 5) {
                    last_statement = server.statement;
                }
            });
        if (result != claim::Result::won) {
            server.spared++;
            yield();
            continue;
        }
        server.claims++;
        server.require(server.process.load() == target && server.identity == target);
        server.require(claim::note_of(server.word.load()) == 7);
        server.terminated = target;
        server.require(server.statement == last_statement);
        claim::finish_claim(server.word);
    }
}

void cancel(Server& server) {
    while (!server.over) {
        const uint64_t seen = server.word.load();
        const uint64_t judged = server.reported;
        if ((judged & 1) == 0 || (seen & claim::kOpen) == 0 ||
            server.ended_message.load() == (judged & 0xffffffff) >> 1) {
            yield();
            continue;
        }
        const claim::Result result = claim::flag_cancel(
            server.word, seen, [&] { return server.reported.load() == judged; }, [](int) {});
        if (result != claim::Result::won) {
            yield();
            continue;
        }
        server.cancels++;
        server.require(server.process.load() == judged >> 32);
        server.require(server.reported.load() == judged);  // the signal hits this message
        claim::finish_cancel(server.word);
    }
}

TEST(ClaimThreads, OneSlotTwoReapersOneCanceller) {
    Server server;
    std::thread reapers[] = {std::thread(reap, std::ref(server)),
                             std::thread(reap, std::ref(server)),
                             std::thread(cancel, std::ref(server))};
    Backend backend(server);
    for (uint64_t session = 1; session <= kSessions; session++) {
        backend.serve(session);
    }
    server.over = true;
    for (std::thread& thread : reapers) {
        thread.join();
    }
    EXPECT_EQ(server.broken, 0);
    // Who is refused or killed was claimed; whoever was claimed and not told so had
    // left of its own accord.
    EXPECT_LE(server.refused + server.killed, server.claims);
    const uint64_t flags = server.word.load() & (claim::kEpochOne - 1);
    EXPECT_EQ(flags, 0U);
    printf("claims %ju, refused %ju, killed %ju, spared %ju, cancels %ju, completed %ju\n",
           uintmax_t{server.claims}, uintmax_t{server.refused}, uintmax_t{server.killed},
           uintmax_t{server.spared}, uintmax_t{server.cancels}, uintmax_t{server.completed});
}

}  // namespace
}  // namespace leash::test
