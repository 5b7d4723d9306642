// find_long_transactions() and find_held_back().
#include "plan_evidence.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// --- long transactions ------------------------------------------------------------------

Evidence with(const TransactionFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.transactions = {facts};
    return evidence;
}

TEST(PlanTransactions, OneThatWorksOnAndOn) {
    TransactionFacts facts = transaction(5'400);
    facts.opener = "BEGIN; SELECT * FROM stock FOR UPDATE";
    const Finding finding = only_finding(with(facts));
    EXPECT_EQ(finding.id(), "long transaction/nightly/batch@orders");
    EXPECT_EQ(unmarked(finding.title, true),
              "\"nightly\" has 1 transaction open for up to 1h 30min");
    EXPECT_EQ(finding.harm, Harm::kRisk);
    EXPECT_EQ(finding.hurts, "holds back vacuum as long as it is open");
    EXPECT_EQ(
        evidence_of(finding),
        "1 long transaction of \"nightly\" (role \"batch\", database \"orders\").\n"
        "Session \"6a02e2d0.1a2b\": open for 1h 30min; opened by \"BEGIN; SELECT * FROM stock "
        "FOR UPDATE\".\n");
    EXPECT_THAT(finding.diagnosis, HasSubstr("command after command"));
    EXPECT_EQ(finding.fixes.front().text, "pgleash cancel 6a02e2d0.1a2b\n");
    EXPECT_THAT(finding.fixes.front().risk, HasSubstr("rolled back"));
    EXPECT_THAT(finding.fixes.back().what, HasSubstr("commit in batches"));
    EXPECT_EQ(pasted(finding, "transaction_timeout"), "");  // not before 17
    EXPECT_THAT(finding.expected, IsEmpty());
}

TEST(PlanTransactions, OneStatementIsToldFromMany) {
    TransactionFacts facts = transaction(1'000);
    facts.statement_for = Seconds{900};
    const Finding finding = only_finding(with(facts));
    EXPECT_EQ(finding.cause, "one statement");
    EXPECT_THAT(evidence_of(finding), HasSubstr("open for 16min 40s, all of it in one statement."));
    EXPECT_THAT(finding.diagnosis, HasSubstr("one statement that has been running all the time"));
    facts.statement_for = Seconds{899};
    EXPECT_EQ(only_finding(with(facts)).cause, "");
    facts.statement_for = Seconds{900};
    facts.state = "idle in transaction";
    facts.idle_for = Seconds{5};
    const Finding idle = only_finding(with(facts));
    EXPECT_EQ(idle.cause, "");
    EXPECT_THAT(evidence_of(idle), HasSubstr("between two commands for 5.0s"));
    EXPECT_EQ(idle.fixes.front().text, "pgleash terminate 6a02e2d0.1a2b\n");
}

// Five minutes; half a minute where somebody waits.
TEST(PlanTransactions, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with(transaction(300))), ElementsAre("long transaction of nightly"));
    EXPECT_THAT(found(with(transaction(299))), IsEmpty());
    EXPECT_THAT(found(with(transaction(30, 1))), ElementsAre("long transaction of nightly"));
    EXPECT_THAT(found(with(transaction(29, 1))), IsEmpty());
    TransactionFacts facts = transaction(300);
    facts.xact_for.reset();
    EXPECT_THAT(found(with(facts)), IsEmpty());
}

TEST(PlanTransactions, WhoKeepsOthersWaitingIsAStandstill) {
    Evidence evidence = with(transaction(60, 3));
    evidence.transactions.push_back(transaction(45, 1));
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.harm, Harm::kStandstill);
    EXPECT_EQ(finding.weight, 4);
    EXPECT_EQ(finding.hurts, "4 sessions wait for it");
    EXPECT_THAT(evidence_of(finding), HasSubstr("open for 1min; 3 sessions wait for it."));
    EXPECT_THAT(evidence_of(finding), HasSubstr("open for 45s; 1 session waits for it."));
    EXPECT_EQ(expected_of(finding), "sessions that wait for it: 4 -> 0\n");
}

// Dumps are long by nature, and nobody's trouble unless somebody waits for them.
TEST(PlanTransactions, ADumpIsNone) {
    TransactionFacts facts = transaction(5'400);
    for (const char* name :
         {"pg_dump", "pg_basebackup", "pgbackrest [backup]", "barman", "pgleash"}) {
        facts.application_name = name;
        EXPECT_THAT(found(with(facts)), IsEmpty()) << name;
    }
    facts.blocked_by = 1;
    EXPECT_THAT(found(with(facts)), ElementsAre("long transaction of pgleash"));
}

// Whoever idles beyond the server's threshold is a leak, and told there.
TEST(PlanTransactions, ALeakIsToldOnce) {
    TransactionFacts facts = transaction(5'400);
    facts.state = "idle in transaction";
    facts.idle_for = Seconds{60};
    Evidence evidence = with(facts);
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.transactions[0].idle_for = Seconds{59};
    EXPECT_THAT(found(evidence), ElementsAre("long transaction of nightly"));
    evidence.settings.push_back(
        {"pg_leash.idle_in_transaction_threshold", "30000", "ms", "configuration file"});
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.settings.back().setting = "0";  // it is never a leak then
    evidence.transactions[0].idle_for = Seconds{5'000};
    EXPECT_THAT(found(evidence), ElementsAre("long transaction of nightly"));
    evidence.settings.pop_back();
    evidence.transactions[0].state = "active";
    EXPECT_THAT(found(evidence), ElementsAre("long transaction of nightly"));
}

TEST(PlanTransactions, TheServersOwnTimeoutWhereItHasOne) {
    Evidence evidence = with(transaction(kHour));
    evidence.server.version_number = 170'005;
    EXPECT_EQ(pasted(only_finding(evidence), "transaction_timeout"),
              "ALTER ROLE \"batch\" SET transaction_timeout = '1h';\n");
}

// The longest speaks for all of an application.
TEST(PlanTransactions, ThoseOfAnApplicationAreOne) {
    Evidence evidence = with(transaction(900));
    evidence.transactions.resize(5, transaction(600));
    evidence.transactions[4].usename = "other";
    const std::vector<Finding> findings = find(evidence);
    EXPECT_THAT(names_of(findings),
                ElementsAre("long transaction of nightly", "long transaction of nightly"));
    EXPECT_THAT(unmarked(findings[0].title, true),
                HasSubstr("has 4 transactions open for up to 15min"));
    EXPECT_EQ(findings[0].evidence.size(), 4U);  // three of them in words
}

// --- what is held back with no session behind it ------------------------------------------

Evidence with(const OrphanFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.orphans = {facts};
    return evidence;
}

TEST(PlanHeldBack, APreparedTransaction) {
    const Finding finding =
        only_finding(with({"prepared transaction", "pay 'x'", ago(4 * kDay), "locks, xmin"}));
    EXPECT_EQ(finding.id(), "held back/prepared transaction/pay 'x'");
    EXPECT_EQ(unmarked(finding.title, true), "Prepared transaction \"pay 'x'\" was never ended");
    EXPECT_EQ(finding.harm, Harm::kRisk);
    EXPECT_EQ(evidence_of(finding), "Since 2026-05-08 09:00 UTC. It holds \"locks, xmin\".\n");
    EXPECT_EQ(finding.fixes.front().text, "ROLLBACK PREPARED 'pay ''x''';\n");
    EXPECT_THAT(finding.fixes.front().risk, HasSubstr("COMMIT PREPARED"));
    EXPECT_EQ(finding.watch.front().text, "pgleash orphans");
    EXPECT_THAT(found(with({"prepared transaction", "x", ago(600), ""})),
                ElementsAre("held back/prepared transaction"));
    EXPECT_THAT(found(with({"prepared transaction", "x", ago(599), ""})), IsEmpty());
    EXPECT_THAT(found(with({"prepared transaction", "x", std::nullopt, "2 GB of WAL"})), IsEmpty());
}

TEST(PlanHeldBack, ASlotThatNobodyReads) {
    const Finding finding =
        only_finding(with({"inactive slot", "old_standby", ago(2 * kDay), "31 GB of WAL, xmin"}));
    EXPECT_EQ(finding.cause, "inactive slot");
    EXPECT_EQ(unmarked(finding.title, true), "Replication slot \"old_standby\" is read by nobody");
    EXPECT_EQ(finding.hurts, "keeps WAL, and disks fill up");
    EXPECT_THAT(finding.fixes.front().text,
                HasSubstr("SELECT pg_drop_replication_slot('old_standby');\n"));
    EXPECT_THAT(finding.fixes.front().undo, HasSubstr("gone for good"));
    EXPECT_THAT(found(with({"inactive slot", "x", ago(kHour), ""})),
                ElementsAre("held back/inactive slot"));
    EXPECT_THAT(found(with({"inactive slot", "x", ago(kHour - 1), "31 GB of WAL"})), IsEmpty());
}

// Before PostgreSQL 17 nobody knows since when: a gigabyte of WAL tells enough.
TEST(PlanHeldBack, HowMuchWalWhereTheTimeIsNotKnown) {
    const auto of = [](const char* holds) {
        return found(with(OrphanFacts{"inactive slot", "x", std::nullopt, holds}));
    };
    for (const char* enough : {"954 MB of WAL", "1 GB of WAL", "1 TB of WAL",
                               "976563 kB of WAL, xmin", "1000000000 bytes of WAL"}) {
        EXPECT_THAT(of(enough), ElementsAre("held back/inactive slot")) << enough;
    }
    for (const char* little :
         {"953 MB of WAL", "976562 kB of WAL", "16 bytes of WAL", "xmin", "", "5 PB of WAL"}) {
        EXPECT_THAT(of(little), IsEmpty()) << little;
    }
}

TEST(PlanHeldBack, TransactionIdsThatGrowOld) {
    Evidence evidence = quiet_server();
    evidence.databases[0].xid_age = 999'999'999;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.databases[0].xid_age = 1'000'000'000;
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.id(), "held back/old transaction ids/orders");
    EXPECT_EQ(finding.harm, Harm::kRisk);
    EXPECT_EQ(evidence_of(finding), "Its oldest is 1,000,000,000 transactions old.\n");
    EXPECT_EQ(finding.fixes.front().text, "vacuumdb --freeze --jobs 2 orders\n");
    evidence.databases[0].datname = "-a='b'";  // no option, no connection string
    EXPECT_EQ(only_finding(evidence).fixes.front().text,
              "vacuumdb --freeze --jobs 2 --dbname='dbname='\\''-a=\\'\\''b\\'\\'''\\'''\n");
    evidence.databases[0].xid_age = 1'799'999'999;
    EXPECT_EQ(only_finding(evidence).harm, Harm::kRisk);
    evidence.databases[0].xid_age = 1'800'000'000;
    EXPECT_EQ(only_finding(evidence).harm, Harm::kStandstill);
}

}  // namespace
}  // namespace leash::tool::plan
