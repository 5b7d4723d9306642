// The plan of servers that are empty, new, reset or confused about the time, and of
// snapshots of another version: a sensible page, or one clear line.
#include "plan_evidence.h"

#include <algorithm>
#include <sstream>

#include "evidence/file.h"
#include "failure.h"
#include "plan/page.h"
#include "plan_page_text.h"
#include "report_samples.h"

namespace leash::tool::plan {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

// --- little or nothing is known ---------------------------------------------------------

TEST(PlanOfAnEmptyServer, SaysSoInFiveLines) {
    const std::vector<std::string> lines = lines_of(markdown(empty_server()));
    ASSERT_EQ(lines.size(), 5U);
    EXPECT_THAT(lines[0], HasSubstr("Nothing is wrong on"));
    EXPECT_EQ(lines[1],
              "- Slots: 1 of 100 are taken; at most 1 were, in the minute 2026-05-12 "
              "09:00 UTC. No connection was refused for want of one in the last day.");
    EXPECT_EQ(lines[3], "- Statements: none counted.");
    EXPECT_THAT(lines[4], HasSubstr("No history was kept"));
}

TEST(PlanOfAnEmptyServer, NothingAtAllIsAPageToo) {
    const std::string page = markdown({});
    EXPECT_EQ(lines_of(page).size(), 5U);
    EXPECT_THAT(page, HasSubstr("Nothing is wrong on this server"));
    EXPECT_THAT(page, HasSubstr("Without pg\\_leash it is not known"));
    EXPECT_THAT(html_of(document_of(make_page({}))), HasSubstr("Nothing is wrong on this server"));
}

TEST(PlanOfAMinute, SaysThatItIsShort) {
    Evidence evidence = quiet_server();
    evidence.history.erase(evidence.history.begin(), evidence.history.end() - 1);
    evidence.applications[0].known_since = evidence.connections.stats_reset = ago(60);
    const std::string page = markdown(evidence);
    EXPECT_EQ(lines_of(page).size(), 5U);
    EXPECT_THAT(page, HasSubstr("Known: 1min, since 2026-05-12 08:59 UTC (1 minute of history). "
                                "That is short: ask again when an hour"));
}

// A leak is one from its first minute on; what needs a habit waits for it.
TEST(PlanOfAMinute, FindsWhatNeedsNoHistory) {
    Evidence evidence = quiet_server();
    evidence.history.erase(evidence.history.begin(), evidence.history.end() - 1);
    evidence.applications[0].sessions = 60;
    evidence.applications[0].known_since = evidence.connections.stats_reset = ago(60);
    evidence.causes = {cause("idle in transaction", 3)};
    EXPECT_THAT(found(evidence), ElementsAre("leak/open transaction of shop-api"));
    EXPECT_THAT(markdown(evidence), HasSubstr("That is less than an hour"));
}

TEST(PlanOfAMinute, TheMinuteThatLastsIsNoTime) {
    Evidence evidence = quiet_server();
    evidence.history.clear();
    evidence.server.started_at = kNow;
    evidence.connections.stats_reset = evidence.applications[0].known_since = kNow;
    evidence.slow = {slow("SELECT 1", 1'000, 10)};
    evidence.applications[0].ended = 1'000;
    evidence.applications[0].mean_lifetime = Seconds{0.1};
    EXPECT_THAT(found(evidence), IsEmpty());
    EXPECT_THAT(markdown(evidence), Not(testing::ContainsRegex("[^a-z](nan|inf)")));
}

// --- statistics that were reset -------------------------------------------------------------

TEST(PlanAfterAReset, SaysThatTotalsAndMinutesDiffer) {
    Evidence evidence = quiet_server();
    evidence.connections.stats_reset = ago(kHour);
    EXPECT_THAT(markdown(evidence),
                HasSubstr("Statistics were reset at 2026-05-12 08:00 UTC, within the history"));
    evidence.causes = {cause("idle in transaction", 3)};
    EXPECT_THAT(markdown(evidence), HasSubstr("Statistics were reset at 2026-05-12 08:00 UTC"));
    evidence.connections.stats_reset = ago(kDay - 60);
    EXPECT_THAT(markdown(evidence), Not(HasSubstr("were reset")));
}

// Slow statements of the last hour are held against that hour, not against the day.
TEST(PlanAfterAReset, SlowStatementsAreOfTheTimeSince) {
    Evidence evidence = quiet_server();
    evidence.slow = {slow("SELECT f(x)", 100, 18)};  // half a session, for an hour
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence.connections.stats_reset = ago(kHour);
    evidence.connections.slow_statements_total = 100;
    evidence.applications[0].slow_statements = 2'000;  // that count was not reset
    const Finding finding = only_finding(evidence);
    EXPECT_THAT(evidence_of(finding),
                HasSubstr("Together they took 30min in all, 50 % of all statement "
                          "time; 0.5 sessions were busy"));
    // Another kind of statistics was: these are of the whole day.
    evidence.applications[0].slow_statements = 100;
    EXPECT_THAT(found(evidence), IsEmpty());
    // All of them were.
    evidence.applications[0].known_since = ago(kHour);
    evidence.applications[0].active_time = Seconds{kHour};
    EXPECT_THAT(evidence_of(only_finding(evidence)), HasSubstr("0.5 sessions were busy"));
    // Applications alone: slow statements are of the whole day, as is what they are part of.
    evidence.applications[0].slow_statements = 10;
    EXPECT_THAT(found(evidence), IsEmpty());
    evidence = quiet_server();
    evidence.slow = {slow("SELECT f(x)", 100, 18)};
    evidence.connections.stats_reset = ago(kHour);
    evidence.connections.slow_statements_total = 100;
    // The server was restarted, which keeps them.
    evidence.applications[0].slow_statements = 2'000;
    evidence.server.started_at = *evidence.connections.stats_reset;
    EXPECT_THAT(found(evidence), IsEmpty());
}

// Totals of months are not put down to the week that history has.
TEST(PlanAfterAReset, TotalsThatAreOlderThanTheHistoryAreOfTheirTime) {
    Evidence evidence = quiet_server();
    evidence.slow = {slow("SELECT f(x)", 864, 3)};  // 0.03 sessions of a day, 0.001 of a month
    evidence.applications[0].active_time = Seconds{10'000};
    EXPECT_EQ(found(evidence).size(), 1U);
    evidence.applications[0].known_since = ago(30 * kDay);
    evidence.connections.stats_reset = evidence.server.started_at = ago(30 * kDay);
    EXPECT_THAT(found(evidence), IsEmpty());
}

// --- clocks that were set ---------------------------------------------------------------------

// For some minutes it was in the next century; most of all was used then.
Evidence with_minutes_ahead() {
    Evidence evidence = quiet_server();
    for (int i = 0; i < 30; ++i) {
        MinuteFacts& minute = evidence.history[static_cast<std::size_t>(600 + i)];
        minute.minute.us += 90 * 365 * std::llround(kDay) * 1'000'000;
        minute.used_peak = 99;
        minute.opened = 100'000;
    }
    std::sort(evidence.history.begin(), evidence.history.end(),
              [](const MinuteFacts& a, const MinuteFacts& b) { return a.minute < b.minute; });
    return evidence;
}

TEST(PlanOfASteppedClock, WhatLiesInTheFutureIsLeftOut) {
    const Evidence evidence = with_minutes_ahead();
    const std::string page = markdown(evidence);
    EXPECT_THAT(found(evidence), IsEmpty());
    EXPECT_THAT(page, Not(HasSubstr("2116")));
    EXPECT_THAT(page, HasSubstr("1,410 minutes of history"));
    EXPECT_THAT(page, HasSubstr("30 minutes lie in the future of the server's clock, which was set "
                                "back: they are left out."));
    EXPECT_THAT(page, HasSubstr("at most 12 were"));
}

TEST(PlanOfASteppedClock, WhatIsOlderThanAWeekIsLeftOut) {
    Evidence evidence = quiet_server();
    for (int i = 0; i < 10; ++i) {
        evidence.history[static_cast<std::size_t>(i)].minute.us -=
            40 * 365 * std::llround(kDay) * 1'000'000;
        evidence.history[static_cast<std::size_t>(i)].used_peak = 99;
    }
    const std::string page = markdown(evidence);
    EXPECT_THAT(page, HasSubstr("(1,430 minutes of history)"));
    EXPECT_THAT(page, HasSubstr("Known: 23h 50min, since"));
}

// Set back by some minutes and a few seconds: two rows stand in each of them, some of them
// seconds apart.  That does not make minutes shorter, and no rate larger.
TEST(PlanOfASteppedClock, MinutesStayAsLongAsTheyAre) {
    Evidence evidence = quiet_server();
    for (int i = 1'000; i < kDayMinutes; ++i) {
        evidence.history[static_cast<std::size_t>(i)].minute.us -= 2'417'000'000;
    }
    ApplicationFacts& facts = evidence.applications[0];
    facts.opened = facts.ended.emplace(50'000);
    facts.mean_lifetime = Seconds{0.5};
    facts.statements = 50'000;
    facts.opened_together = 0;
    evidence.connections.opened_total = 50'000;
    for (MinuteFacts& minute : evidence.history) {
        minute.opened = 35;  // 0.58 a second
    }
    EXPECT_THAT(found(evidence), IsEmpty());
    EXPECT_THAT(markdown(evidence), HasSubstr("Known: 1d, since"));
}

TEST(PlanOfASteppedClock, NowMayBeBeforeTheStart) {
    Evidence evidence = quiet_server();
    evidence.server.now = ago(2 * kDay);
    evidence.slow = {slow("SELECT 1", 1'000, 10)};
    evidence.indexes = {index(10, 10'000)};
    evidence.orphans = {{"prepared transaction", "x", ago(0), "locks"}};
    EXPECT_THAT(found(evidence), IsEmpty());
    const std::string page = markdown(evidence);
    EXPECT_THAT(page, HasSubstr("1,440 minutes lie in the future"));
    EXPECT_THAT(page, Not(testing::ContainsRegex(" -[0-9]")));  // no negative time
}

TEST(PlanOfASteppedClock, TheOlderOneComesBefore) {
    const Evidence evidence = quiet_server();
    Evidence later = evidence;
    later.server.now.us += 1;
    EXPECT_NO_THROW(make_page(later, &evidence));
    try {
        make_page(evidence, &later);
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_THAT(failure.what(), HasSubstr("give the older one as --before"));
        EXPECT_THAT(failure.what(), Not(HasSubstr("\n")));
    }
}

// --- snapshots of other versions ------------------------------------------------------------

// Without any one list it is read, and the page says what is not known.
TEST(PlanOfAnOlderSnapshot, SaysWhatItDoesNotHave) {
    for (const char* list :
         {"checks", "causes", "applications", "transactions", "slow", "indexes", "orphans",
          "refusals", "history", "compute", "reaps", "settings", "role_settings", "databases"}) {
        nlohmann::ordered_json document = evidence_json(quiet_server());
        ASSERT_EQ(document.erase(list), 1U) << list;
        const std::string page = markdown(parse_evidence(document.dump(), "old.json"));
        EXPECT_EQ(lines_of(page).size(), 5U) << list;
        EXPECT_THAT(page, HasSubstr("The snapshot is of another pgleash, and lacks `" +
                                    std::string(list) + "`: what follows from that is not known."));
    }
    EXPECT_THAT(markdown(quiet_server()), Not(HasSubstr("another pgleash")));
}

}  // namespace
}  // namespace leash::tool::plan
