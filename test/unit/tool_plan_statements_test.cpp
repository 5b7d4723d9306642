// find_missing_indexes(), find_slow_statements() and find_cache_misses().
#include "plan_evidence.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

constexpr const char* kCarts = "SELECT * FROM carts WHERE customer = ?";

// --- missing indexes --------------------------------------------------------------------

// Of a day of statements, 86400 s, these took so many.
Evidence with(const IndexFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.indexes = {facts};
    return evidence;
}

TEST(PlanIndexes, OneIsMissing) {
    Evidence evidence = with(index(20'000, 43'200));
    evidence.slow = {slow(kCarts, 20'000, 2.16)};
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.id(), "missing index/shop-api/orders.public.carts(customer)");
    EXPECT_EQ(unmarked(finding.title, true), "An index is missing on \"public.carts (customer)\"");
    EXPECT_EQ(finding.harm, Harm::kSlow);
    EXPECT_EQ(finding.hurts, "50 % of all statement time");
    EXPECT_EQ(evidence_of(finding),
              "20,000 slow statements read all of \"public.carts\" (database \"orders\"), about "
              "1,000,000 rows each, to keep about 10; last seen 2026-05-12 08:59 UTC.\n"
              "They took 12h in all, 50 % of all statement time; 0.5 sessions were busy with them "
              "in the mean.\n"
              "20,000 calls of \"shop-api\", 2.1s in the mean, at most 4.3s: \"SELECT * FROM "
              "carts WHERE customer = ?\".\n");
    EXPECT_EQ(finding.fixes.front().text,
              "CREATE INDEX CONCURRENTLY \"carts_customer_plan\" ON public.carts (customer);\n");
    EXPECT_THAT(finding.fixes.front().risk, HasSubstr("invalid index"));
    EXPECT_EQ(unmarked(finding.fixes.front().undo, false),
              "DROP INDEX CONCURRENTLY public.\"carts_customer_plan\";");
    EXPECT_EQ(expected_of(finding),
              "rows read by each such statement: 1,000,000 -> 10\n"
              "time in these statements, of all statement time: 50 % -> below 0.1 %\n");
}

// Each limit by itself: three statements, a twentieth of the time, a hundredth of a session,
// within a day.
TEST(PlanIndexes, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with(index(3, 4'320))), ElementsAre("missing index"));
    EXPECT_THAT(found(with(index(2, 4'320))), IsEmpty());
    EXPECT_THAT(found(with(index(3, 4'319))), IsEmpty());
    Evidence evidence = with(index(3, 864));
    evidence.applications[0].active_time = Seconds{1'000};
    EXPECT_THAT(found(evidence), ElementsAre("missing index"));
    evidence.indexes[0].total_time.value = 863;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with(index(3, 4'320));
    evidence.indexes[0].last_seen = ago(kDay);
    EXPECT_THAT(found(evidence), ElementsAre("missing index"));
    evidence.indexes[0].last_seen = ago(kDay + 1);
    EXPECT_THAT(found(evidence), IsEmpty());
}

// The statements of an index that has been made since are not slow for want of an index, and
// what else they are the next ones will show.
TEST(PlanIndexes, OneThatIsThereIsNotMissing) {
    Evidence evidence = with(index(20'000, 43'200));
    evidence.slow = {slow(kCarts, 20'000, 2.16)};
    evidence.indexes[0].existing = "public.carts_customer";
    EXPECT_THAT(found(evidence), IsEmpty());
}

TEST(PlanIndexes, OneOnMoreColumnsServesForLess) {
    Evidence evidence = with(index(10, 10'000));
    evidence.indexes.push_back(index(10, 9'000));
    evidence.indexes[1].columns = "customer, \"Paid\"";
    EXPECT_EQ(only_finding(evidence).subject, "orders.public.carts(customer, \"Paid\")");
    evidence.indexes[1].columns = "\"Paid\", customer";
    EXPECT_EQ(find(evidence).size(), 2U);
    evidence.indexes[1] = index(10, 9'000);  // the same, seen by another plan
    EXPECT_THAT(evidence_of(only_finding(evidence)), HasSubstr("20 slow statements read all of"));
}

TEST(PlanIndexes, NamesAreThoseOfTheTable) {
    Evidence evidence = with(index(10, 10'000));
    evidence.indexes[0].table = "\"my shop\".\"Ca.\"\"rts\"";
    evidence.indexes[0].columns = "\"Custo,mer\", id";
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.fixes.front().text,
              "CREATE INDEX CONCURRENTLY \"Ca.\"\"rts_Custo,mer_id_plan\" ON \"my "
              "shop\".\"Ca.\"\"rts\" (\"Custo,mer\", id);\n");
    EXPECT_THAT(unmarked(finding.fixes.front().undo, false),
                HasSubstr("CONCURRENTLY \"my shop\".\"Ca.\"\"rts_Custo,mer_id_plan\""));
    // No longer than a name may be, and not cut within a character.
    evidence.indexes[0].table = std::string(55, 'x') + "\xc3\xa4";
    EXPECT_THAT(only_finding(evidence).fixes.front().text,
                HasSubstr("CONCURRENTLY \"" + std::string(55, 'x') + "_plan\" ON"));
}

// --- slow statements and bulk work ----------------------------------------------------------

Evidence with(const SlowFacts& facts) {
    Evidence evidence = quiet_server();
    evidence.slow = {facts};
    return evidence;
}

TEST(PlanSlow, StatementsThatNoIndexWouldMend) {
    SlowFacts facts = slow("SELECT sum(total) FROM lines", 12'000, 1.8);
    facts.shared_blks_read = 12'000 * 640;
    facts.temp_blks_written = 12'000 * 1'280;
    facts.failed = 3;
    const Finding finding = only_finding(with(facts));
    EXPECT_EQ(finding.id(), "slow statements/shop-api");
    EXPECT_EQ(finding.title, "Slow statements: 25 % of all statement time");
    EXPECT_EQ(finding.harm, Harm::kSlow);
    EXPECT_EQ(finding.hurts, "keeps 0.25 sessions busy in the mean");
    EXPECT_EQ(
        evidence_of(finding),
        "Together they took 6h in all, 25 % of all statement time; 0.25 sessions were busy "
        "with them in the mean.\n"
        "12,000 calls of \"shop-api\" (role \"shop\", database \"orders\"): 1.8s in the mean, "
        "at most 3.6s, 1 rows each, 5 MB read each, 10 MB of temporary files each, 3 failed "
        "or were cancelled: \"SELECT sum(total) FROM lines\".\n");
    EXPECT_THAT(pasted(finding, "slow_plan_threshold = '1s'"), Not(IsEmpty()));
    EXPECT_EQ(pasted(finding, "work_mem"), "ALTER ROLE \"shop\" SET work_mem = '32MB';\n");
    EXPECT_EQ(finding.watch.front().text, "pgleash slow --summary --watch 5");
}

// Each limit by itself: three calls, a tenth of the time, a fiftieth of a session, a day.
TEST(PlanSlow, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with(slow("SELECT 1", 180, 48))), ElementsAre("slow statements of shop-api"));
    EXPECT_THAT(found(with(slow("SELECT 1", 179, 48))), IsEmpty());
    Evidence evidence = with(slow("SELECT 1", 36, 48));
    evidence.applications[0].active_time = Seconds{2'000};
    EXPECT_THAT(found(evidence), ElementsAre("slow statements of shop-api"));
    evidence.slow = {slow("SELECT 1", 35, 48)};
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with(slow("SELECT 1", 180, 48));
    evidence.slow[0].last_seen = ago(kDay + 1);
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = with(slow("SELECT 1", 3, 59));
    evidence.connections.stats_reset = evidence.applications[0].known_since = ago(kHour);
    evidence.history.erase(evidence.history.begin(), evidence.history.end() - 60);
    evidence.applications[0].active_time = Seconds{600};
    EXPECT_THAT(found(evidence), ElementsAre("slow statements of shop-api"));
    evidence.slow = {slow("SELECT 1", 2, 59.9)};
    EXPECT_THAT(found(evidence), IsEmpty());
}

// What the client waits for is not the statement's.
TEST(PlanSlow, WaitingForTheClientIsNotWork) {
    SlowFacts facts = slow("SELECT * FROM stock", 1'000, 10);
    facts.client_wait = Seconds{1'361};
    EXPECT_THAT(found(with(facts)), IsEmpty());
    facts.client_wait = Seconds{1'360};
    EXPECT_THAT(found(with(facts)), ElementsAre("slow statements of shop-api"));
}

// Each sign of bulk work by itself: rows, temporary files, blocks, a minute, its words.
TEST(PlanSlow, BulkWorkIsToldFromSlowRequests) {
    const auto kind_of = [](const SlowFacts& facts) {
        const std::vector<std::string> names = found(with(facts));
        return names.size() == 1 ? names[0] : testing::PrintToString(names);
    };
    const std::string bulk = "bulk work of shop-api";
    const std::string slows = "slow statements of shop-api";
    const SlowFacts usual = slow("INSERT INTO lines SELECT * FROM old", 1'000, 10);
    EXPECT_EQ(kind_of(usual), slows);
    SlowFacts facts = usual;
    facts.rows = 100'000'000;
    EXPECT_EQ(kind_of(facts), bulk);
    facts.rows -= 1;
    EXPECT_EQ(kind_of(facts), slows);
    facts = usual;
    facts.temp_blks_written = 12'800'000;
    EXPECT_EQ(kind_of(facts), bulk);
    facts.temp_blks_written -= 1;
    EXPECT_EQ(kind_of(facts), slows);
    facts = usual;
    facts.shared_blks_read = 131'072'000;
    EXPECT_EQ(kind_of(facts), bulk);
    facts.shared_blks_read -= 1;
    EXPECT_EQ(kind_of(facts), slows);
    EXPECT_EQ(kind_of(slow("SELECT 1", 200, 60)), bulk);
    EXPECT_EQ(kind_of(slow("SELECT 1", 200, 59.9)), slows);
    for (const char* query :
         {"COPY lines TO STDOUT", "create index on lines (id)", "CREATE TABLE x AS SELECT ?",
          "VACUUM lines", "REFRESH MATERIALIZED VIEW v", "CLUSTER lines", "REINDEX TABLE lines",
          "ANALYZE", "ALTER TABLE lines ADD x int"}) {
        EXPECT_EQ(kind_of(slow(query, 1'000, 10)), bulk) << query;
    }
    EXPECT_EQ(kind_of(slow("copying is no COPY", 1'000, 10)), bulk);  // its words come first
    EXPECT_EQ(kind_of(slow("SELECT copy", 1'000, 10)), slows);
}

TEST(PlanSlow, BulkWorkIsSpreadOut) {
    const Finding finding = only_finding(with(slow("COPY lines TO STDOUT", 2, 10'800)));
    EXPECT_EQ(finding.title, "Bulk work: 25 % of all statement time");
    EXPECT_THAT(finding.diagnosis, HasSubstr("few statements move many rows"));
    EXPECT_THAT(finding.fixes.front().what, HasSubstr("on a standby, at night, in batches"));
    EXPECT_EQ(pasted(finding, "slow_plan_threshold"), "");
}

TEST(PlanSlow, WhatMaintenanceDoesIsNone) {
    SlowFacts facts = slow("COPY lines TO STDOUT", 2, 10'800);
    facts.application_name = "pg_dump";
    EXPECT_THAT(found(with(facts)), IsEmpty());
}

// Writes that wait for a lock are slow because of whoever holds it.
TEST(PlanSlow, WritesAreNotJudgedWhileSomebodyWaits) {
    Evidence evidence = with(slow("SELECT 1", 1'000, 10));
    evidence.transactions = {transaction(10, 1)};
    EXPECT_THAT(found(evidence), ElementsAre("slow statements of shop-api"));
    for (const char* query :
         {"UPDATE stock SET x = ?", "delete from stock", "INSERT INTO stock", "MERGE INTO x",
          "LOCK stock", "SELECT 1 FROM x FOR UPDATE", "select 1 from x for update"}) {
        evidence.slow = {slow(query, 1'000, 10)};
        EXPECT_THAT(found(evidence), IsEmpty()) << query;
        Evidence free = evidence;
        free.transactions.clear();
        EXPECT_EQ(found(free).size(), 1U) << query;
        free.causes = {cause("idle in transaction", 1)};
        free.causes[0].blocked_sessions = 1;
        EXPECT_THAT(found(free), ElementsAre("leak/open transaction of shop-api")) << query;
    }
}

// What an index would mend is told there, and not again.
TEST(PlanSlow, WhatAnIndexMendsIsToldOnce) {
    Evidence evidence = with(index(20'000, 43'200));
    evidence.slow = {slow(kCarts, 20'000, 2.16)};
    EXPECT_THAT(found(evidence), ElementsAre("missing index of shop-api"));
    evidence.slow[0].query = "SELECT * FROM shopping_carts";  // another table
    EXPECT_THAT(found(evidence), ElementsAre("missing index", "slow statements of shop-api"));
    evidence.indexes[0].query_id = evidence.slow[0].query_id;
    EXPECT_THAT(found(evidence), ElementsAre("missing index of shop-api"));
}

// --- cache --------------------------------------------------------------------------------

// Of a hundred blocks so many were found, in each minute.
Evidence with_hits(int of_a_hundred) {
    Evidence evidence = quiet_server();
    for (MinuteFacts& minute : evidence.history) {
        minute.blks_hit = 100 * of_a_hundred;
        minute.blks_read = 100 * (100 - of_a_hundred);
    }
    return evidence;
}

TEST(PlanCache, ALowRatio) {
    Evidence evidence = with_hits(80);
    evidence.history[kDayMinutes - 60].blks_read = 12'800;
    evidence.slow = {slow("SELECT count(*) FROM lines", 10, 2)};
    evidence.slow[0].shared_blks_read = 131'072;
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(finding.id(), "low cache hit ratio");
    EXPECT_EQ(finding.title, "Cache hit ratio of 80 %");
    EXPECT_EQ(finding.harm, Harm::kSlow);
    EXPECT_EQ(evidence_of(finding),
              "In the last day, 80 % of the blocks asked for were in shared buffers; 22 GB were "
              "read.\n"
              "Most was read in the minute 2026-05-12 08:00 UTC: 100 MB.\n"
              "Of slow statements this one read most, 1 GB: \"SELECT count(*) FROM lines\".\n");
    EXPECT_THAT(finding.fixes.front().what, HasSubstr("shared_buffers is 128 MB"));
    EXPECT_THAT(finding.expected, IsEmpty());
}

// Nine of ten, and 800 MB that were read.
TEST(PlanCache, WhatIsBelowALimitIsNone) {
    EXPECT_THAT(found(with_hits(89)), ElementsAre("low cache hit ratio"));
    EXPECT_THAT(found(with_hits(90)), IsEmpty());
    Evidence evidence = with_hits(80);
    evidence.history.erase(evidence.history.begin(), evidence.history.end() - 50);
    EXPECT_THAT(found(evidence), ElementsAre("low cache hit ratio"));
    evidence.history[0].blks_read = 1'999;
    EXPECT_THAT(found(evidence), IsEmpty());
}

// Only the last day: what was read before may be mended.
TEST(PlanCache, OnlyTheLastDayCounts) {
    Evidence evidence = with_hits(80);
    for (MinuteFacts& minute : evidence.history) {
        minute.minute.us -= std::llround(kDay * 1e6);
    }
    MinuteFacts last = evidence.history.back();
    last.minute = ago(60);
    last.blks_hit = 1'000'000;
    last.blks_read = 100;
    evidence.history.push_back(last);
    EXPECT_THAT(found(evidence), IsEmpty());
}

TEST(PlanCache, WithoutHistoryTheDatabasesTell) {
    Evidence evidence = quiet_server();
    for (MinuteFacts& minute : evidence.history) {
        minute.blks_hit.reset();
        minute.blks_read.reset();
    }
    evidence.databases[0].blks_hit = 300'000;
    evidence.databases[0].blks_read = 100'000;
    const Finding finding = only_finding(evidence);
    EXPECT_EQ(evidence_of(finding),
              "Since the counters of the databases began, 75 % of the blocks "
              "asked for were in shared buffers; 781 MB were read.\n");
    evidence.databases[0].blks_read = 99'999;
    EXPECT_THAT(found(evidence), IsEmpty());
}

// The index comes first, and says what is left.
TEST(PlanCache, AMissingIndexExplainsIt) {
    Evidence evidence = with_hits(80);
    evidence.indexes = {index(20'000, 43'200)};
    evidence.slow = {slow(kCarts, 20'000, 2.16)};
    evidence.slow[0].shared_blks_read = 2'736'000;  // of 2,880,000
    const std::vector<Finding> findings = find(evidence);
    ASSERT_THAT(names_of(findings),
                ElementsAre("missing index of shop-api", "low cache hit ratio"));
    EXPECT_EQ(expected_of(findings[1]), "cache hit ratio: 80 % -> 98.8 %\n");
}

}  // namespace
}  // namespace leash::tool::plan
