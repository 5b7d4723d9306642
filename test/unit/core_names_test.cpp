// The words are interface: scripts compare them.
#include "core/names.h"

#include <gtest/gtest.h>

namespace leash {
namespace {

TEST(Names, States) {
    EXPECT_STREQ(name_of(State::active), "active");
    EXPECT_STREQ(name_of(State::idle), "idle");
    EXPECT_STREQ(name_of(State::idle_in_transaction), "idle in transaction");
    EXPECT_STREQ(name_of(State::idle_in_transaction_aborted), "idle in transaction (aborted)");
    EXPECT_STREQ(name_of(State::fastpath), "fastpath function call");
    EXPECT_STREQ(name_of(State::unknown), "disabled");
}

TEST(Names, Leaks) {
    EXPECT_STREQ(name_of(Leak::none), "");
    EXPECT_STREQ(name_of(Leak::peer_gone), "peer gone");
    EXPECT_STREQ(name_of(Leak::idle_in_transaction), "idle in transaction");
    EXPECT_STREQ(name_of(Leak::aborted_transaction), "aborted transaction");
    EXPECT_STREQ(name_of(Leak::stalled_client), "stalled client");
    EXPECT_STREQ(name_of(Leak::abandoned), "abandoned");
    EXPECT_STREQ(name_of(Leak::never_used), "never used");
    EXPECT_STREQ(name_of(Leak::ping_only), "ping only");
    EXPECT_STREQ(name_of(Leak::unused), "unused");
}

TEST(Names, Weights) {
    EXPECT_STREQ(name_of(Weight::blocks_others), "blocks others");
    EXPECT_STREQ(name_of(Weight::holds_back_xmin), "holds back xmin");
    EXPECT_STREQ(name_of(Weight::holds_locks), "holds locks");
    EXPECT_STREQ(name_of(Weight::holds_a_slot), "holds a slot");
}

TEST(Names, Exemptions) {
    EXPECT_STREQ(name_of(Exempt::none), "");
    EXPECT_STREQ(name_of(Exempt::lease), "holds a lease");
    EXPECT_STREQ(name_of(Exempt::backup), "runs a backup");
    EXPECT_STREQ(name_of(Exempt::exported_snapshot), "exported a snapshot");
    EXPECT_STREQ(name_of(Exempt::imported_snapshot), "imported a snapshot");
    EXPECT_STREQ(name_of(Exempt::listens), "listens");
    EXPECT_STREQ(name_of(Exempt::advisory_lock), "holds an advisory lock");
}

TEST(Names, AbsoluteExemptions) {
    for (const Exempt exempt :
         {Exempt::lease, Exempt::backup, Exempt::exported_snapshot, Exempt::imported_snapshot}) {
        EXPECT_TRUE(is_absolute(exempt)) << name_of(exempt);
    }
    for (const Exempt exempt : {Exempt::none, Exempt::listens, Exempt::advisory_lock}) {
        EXPECT_FALSE(is_absolute(exempt)) << name_of(exempt);
    }
}

}  // namespace
}  // namespace leash
