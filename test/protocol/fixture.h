// What the protocol tests have in common.
#pragma once

#include <gtest/gtest.h>

#include <string>
#include <vector>

#include "core/mask.h"
#include "observer.h"
#include "session.h"
#include "wire.h"

namespace leash::protocol {

// Work and thought both last this long (ms), so that time which lands in the wrong
// place is seen, and a busy machine is forgiven less than that.
inline constexpr int kWork = 300;
inline constexpr double kTolerance = 200;

// A statement that works for kWork.
inline const std::string kSleep = "SELECT pg_sleep(0.3)";

inline const Login kLogin = {"", "-c pg_leash.slow_statement_threshold=200ms", "protocol"};

// As slow statements are stored.
inline std::string without_literals(const std::string& text) {
    std::string masked(text.size() + 3, '\0');
    masked.resize(
        leash::mask_literals(text.data(), text.size(), {false}, masked.data(), masked.size()));
    return masked;
}

class Protocol : public testing::Test {
protected:
    // The server's sums are the client's, nothing was lost or counted twice, and no
    // bucket is far from what was measured.
    template <class Client>
    Account expect_buckets(Client& client) {
        const Account account = observer.account(client.pid());
        const Buckets mine = client.meter().at(account.read_at);
        EXPECT_NEAR(account.buckets.active, mine.active, kTolerance) << "active";
        EXPECT_NEAR(account.buckets.idle, mine.idle, kTolerance) << "idle";
        EXPECT_NEAR(account.buckets.in_transaction, mine.in_transaction, kTolerance)
            << "idle in transaction";
        return account;
    }

    template <class Client>
    Account expect_account(Client& client, long statements, long transactions) {
        const Account account = expect_buckets(client);
        EXPECT_EQ(account.statements, statements);
        EXPECT_EQ(account.transactions, transactions);
        return account;
    }

    // Exactly these statements were slow, each for about kWork.
    template <class Client>
    std::vector<Slow> expect_slow(Client& client, const std::vector<std::string>& texts) {
        const std::vector<Slow> slow = observer.slow(client.pid());
        std::vector<std::string> seen;
        for (const Slow& statement : slow) {
            seen.push_back(statement.query);
            EXPECT_NEAR(statement.duration, kWork, kTolerance) << statement.query;
        }
        std::vector<std::string> masked;
        for (const std::string& text : texts) {
            masked.push_back(without_literals(text));
        }
        EXPECT_EQ(seen, masked);
        EXPECT_EQ(observer.account(client.pid()).slow_statements, static_cast<long>(texts.size()));
        return slow;
    }

    Observer observer;
};

}  // namespace leash::protocol
