// Rows that came over the worker's socket: chosen, grouped and sorted as a server would.
#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "commands/columns.h"
#include "source/selection.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;

constexpr Column kName[] = {{.name = "session_id"}};

RawRows sessions() {
    return {{"session_id", "pid", "usename", "datname", "application_name", "client_addr", "state",
             "idle_for", "statement_for", "leak", "exempt"},
            {
                {"1.1", "11", "app", "shop", "web-1", "10.1.2.3", "idle", "9.500000", {}, {}, {}},
                {"1.2",
                 "12",
                 "app",
                 "shop",
                 "web-2",
                 "10.1.2.4",
                 "idle",
                 "100.000000",
                 {},
                 "abandoned",
                 {}},
                {"1.3", "13", "dba", "shop", "psql", {}, "active", {}, "0.200000", {}, {}},
                {"1.4",
                 "14",
                 "app",
                 "mail",
                 "web-10",
                 "::1",
                 "idle in transaction",
                 "20.000000",
                 {},
                 {},
                 "listens"},
                {"1.5", "15", {}, {}, {}, {}, {}, {}, {}, {}, {}},
            }};
}

RawRows leaks() {
    return {
        {"session_id", "kind", "weight", "leaked", "leaked_for", "blocked_sessions",
         "application_name", "usename", "datname", "opener"},
        {
            {"2.1", "unused", "holds a slot", "f", "900.000000", "0", "web", "app", "shop", {}},
            {"2.2", "abandoned", "holds a slot", "t", "30.000000", "0", "web", "app", "shop", {}},
            {"2.3", "idle in transaction", "blocks others", "t", "5.000000", "2", "web", "app",
             "shop", "UPDATE x"},
            {"2.4", "abandoned", "holds a slot", "t", "200.000000", "0", "web", "app", "shop", {}},
            {"2.5", "abandoned", "holds locks", "t", "4.000000", "0", "web", "app", "shop", {}},
            {"2.6", "abandoned", "holds a slot", "t", "31.000000", "0", "job", "app", "shop", {}},
        }};
}

std::vector<std::string> names(const Dataset& data) {
    std::vector<std::string> names;
    for (const Row& row : data.rows) {
        names.push_back(row[0].value_or(""));
    }
    return names;
}

std::vector<std::string> chosen(const Filters& filters) {
    return names(select_rows(sessions(), {Listing::kSessions, filters, false, kName}, {}));
}

std::vector<std::string> chosen_by(void (*narrow)(Filters&)) {
    Filters filters;
    narrow(filters);
    return chosen(filters);
}

Filters sorted_by(Listing listing, const char* column, bool descending) {
    Filters filters;
    filters.sort = Sort{sort_column(listing, column), descending};
    return filters;
}

TEST(ControlSelection, LeakedSessionsFirstThenTheLongestIdle) {
    EXPECT_THAT(chosen({}), ElementsAre("1.2", "1.4", "1.1", "1.3", "1.5"));
}

TEST(ControlSelection, Filters) {
    EXPECT_THAT(chosen_by([](Filters& f) { f.app = "web-*"; }), ElementsAre("1.2", "1.4", "1.1"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.app = "web-?"; }), ElementsAre("1.2", "1.1"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.user = "dba"; }), ElementsAre("1.3"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.db = "mail"; }), ElementsAre("1.4"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.address = "10.1.2.0/31"; }), ElementsAre());
    EXPECT_THAT(chosen_by([](Filters& f) { f.address = "10.1.2.0/24"; }),
                ElementsAre("1.2", "1.1"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.address = "local"; }), ElementsAre("1.3", "1.5"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.state = "idle in transaction"; }), ElementsAre("1.4"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.pid = 12; }), ElementsAre("1.2"));
    EXPECT_THAT(chosen_by([](Filters& f) { f.min_idle_us = 20'000'000; }),
                ElementsAre("1.2", "1.4"));
    EXPECT_THAT(chosen_by([](Filters& f) {
                    f.app = "web*";
                    f.db = "shop";
                    f.min_idle_us = 10'000'000;
                }),
                ElementsAre("1.2"));
}

TEST(ControlSelection, SortsNumbersAsNumbersAndNullsLast) {
    EXPECT_THAT(chosen(sorted_by(Listing::kSessions, "idle_for", false)),
                ElementsAre("1.1", "1.4", "1.2", "1.3", "1.5"));
    EXPECT_THAT(chosen(sorted_by(Listing::kSessions, "idle_for", true)),
                ElementsAre("1.2", "1.4", "1.1", "1.3", "1.5"));
    EXPECT_THAT(chosen(sorted_by(Listing::kSessions, "application_name", false)),
                ElementsAre("1.3", "1.1", "1.4", "1.2", "1.5"));
    Filters filters = sorted_by(Listing::kSessions, "pid", true);
    filters.limit = 2;
    EXPECT_THAT(chosen(filters), ElementsAre("1.5", "1.4"));
}

TEST(ControlSelection, ColumnsMadeOfOthers) {
    const Dataset data = select_rows(sessions(), {.listing = Listing::kSessions}, {});
    const auto cell = [&](std::size_t row, const char* name) {
        return cell_of(data, data.rows[row], name);
    };
    EXPECT_EQ(data.columns.size(), data.rows[0].size());
    EXPECT_EQ(cell(0, "verdict"), "abandoned");
    EXPECT_EQ(cell(1, "verdict"), "exempt: listens");
    EXPECT_EQ(cell(2, "verdict"), std::nullopt);
    EXPECT_EQ(cell(2, "state_for"), "9.500000");
    EXPECT_EQ(cell(3, "state_for"), "0.200000");
    EXPECT_EQ(cell(0, "backend_start"), std::nullopt) << "the worker may be an older one";
}

TEST(ControlSelection, LeaksWorstFirst) {
    EXPECT_THAT(names(select_rows(leaks(), {.listing = Listing::kLeaks, .columns = kName}, {})),
                ElementsAre("2.3", "2.5", "2.4", "2.6", "2.2", "2.1"));
    EXPECT_THAT(
        names(select_rows(leaks(),
                          {.listing = Listing::kLeaks, .only_leaked = true, .columns = kName}, {})),
        ElementsAre("2.3", "2.5", "2.4", "2.6", "2.2"));
}

TEST(ControlSelection, LeaksThatAreIdleForSoLong) {
    const RawRows idle = {{"session_id", "idle_for"},
                          {{"2.2", "30.000000"}, {"2.3", "4.000000"}, {"2.4", "200.000000"}}};
    Selection selection{.listing = Listing::kLeaks, .columns = kName};
    EXPECT_FALSE(needs_sessions(selection));
    selection.filters.min_idle_us = 30'000'000;
    EXPECT_TRUE(needs_sessions(selection));
    EXPECT_THAT(names(select_rows(leaks(), selection, idle)), ElementsAre("2.4", "2.2"));
}

TEST(ControlSelection, Groups) {
    const Dataset data = select_rows(leaks(), {.listing = Listing::kLeakGroups}, {});
    std::vector<std::string> lines;
    for (const Row& row : data.rows) {
        std::string line;
        for (const char* name : {"sessions", "kind", "oldest", "weight", "blocked_sessions",
                                 "application_name", "leaked"}) {
            line += cell_of(data, row, name).value_or("-") + "|";
        }
        lines.push_back(line);
    }
    EXPECT_THAT(lines, ElementsAre("1|idle in transaction|5.000000|blocks others|2|web|t|",
                                   "3|abandoned|200.000000|holds locks|0|web|t|",
                                   "1|abandoned|31.000000|holds a slot|0|job|t|",
                                   "1|unused|900.000000|holds a slot|0|web|f|"));
}

TEST(ControlSelection, GroupsSayWhatRanLastWhereNothingOpenedATransaction) {
    RawRows raw = leaks();
    raw.columns.emplace_back("last_statement");
    for (std::size_t i = 0; i < raw.rows.size(); ++i) {
        raw.rows[i].emplace_back(i == 4 ? "SELECT rare" : "SELECT " + std::to_string(i));
    }
    const Dataset data = select_rows(raw, {.listing = Listing::kLeakGroups}, {});
    ASSERT_GE(data.rows.size(), 2U);
    EXPECT_EQ(cell_of(data, data.rows[0], "cause"), "UPDATE x");
    EXPECT_EQ(cell_of(data, data.rows[1], "last_statement"), "SELECT ?");
    EXPECT_EQ(cell_of(data, data.rows[1], "cause"), "last: SELECT ?");
}

TEST(ControlSelection, SlowStatements) {
    const RawRows slow = {{"session_id", "finished_at", "duration"},
                          {{"1", "2026-01-01T00:00:00.000000Z", "2.000000"},
                           {"2", "2026-01-02T00:00:00.000000Z", "10.000000"},
                           {"3", "2026-01-03T00:00:00.000000Z", "1.000000"}}};
    Selection selection{.listing = Listing::kSlow, .columns = kName};
    EXPECT_THAT(names(select_rows(slow, selection, {})), ElementsAre("3", "2", "1"));
    selection.filters.min_duration_us = 2'000'000;
    EXPECT_THAT(names(select_rows(slow, selection, {})), ElementsAre("2", "1"));
    selection.filters = sorted_by(Listing::kSlow, "duration", true);
    EXPECT_THAT(names(select_rows(slow, selection, {})), ElementsAre("2", "1", "3"));
}

TEST(ControlSelection, Decisions) {
    const RawRows log = {{"session_id", "decided_at", "policy", "by", "outcome"},
                         {{"1", "2999-01-01T00:00:00.000000Z", {}, "ann", "spared: woke up"},
                          {"2", "2026-01-02T00:00:00.000000Z", "idle", "ann", "spared"},
                          {"3", "2026-01-01T00:00:00.000000Z", "idling", {}, "sparedly"}}};
    Selection selection{.listing = Listing::kReapLog, .columns = kName};
    EXPECT_THAT(names(select_rows(log, selection, {})), ElementsAre("1", "2", "3"));
    selection.filters.policy = "idle*";
    EXPECT_THAT(names(select_rows(log, selection, {})), ElementsAre("2"));
    selection.filters = {};
    selection.filters.outcome = "spared";
    EXPECT_THAT(names(select_rows(log, selection, {})), ElementsAre("1", "2"));
    selection.filters.since_us = 1;
    EXPECT_THAT(names(select_rows(log, selection, {})), ElementsAre("1"));
    const Dataset all = select_rows(log, {.listing = Listing::kReapLog}, {});
    EXPECT_EQ(cell_of(all, all.rows[0], "decider"), "by ann");
    EXPECT_EQ(cell_of(all, all.rows[1], "decider"), "idle");
}

TEST(ControlSelection, NothingAtAll) {
    EXPECT_TRUE(select_rows({}, {.listing = Listing::kLeakGroups}, {}).rows.empty());
    EXPECT_EQ(select_rows({{}, {{}}}, {.listing = Listing::kLeaks}, {}).rows.size(), 1U);
}

TEST(ControlGlob, MatchesAsLikeDoes) {
    EXPECT_TRUE(matches_glob("", ""));
    EXPECT_FALSE(matches_glob("", "x"));
    EXPECT_TRUE(matches_glob("*", ""));
    EXPECT_TRUE(matches_glob("web*", "web"));
    EXPECT_FALSE(matches_glob("web?", "web"));
    EXPECT_TRUE(matches_glob("w?b*1", "web-21"));
    EXPECT_TRUE(matches_glob("*a*b*c*", "xxaxxbxxcxx"));
    EXPECT_FALSE(matches_glob("*a*b*c", "xxaxxbxxcxx"));
    EXPECT_TRUE(matches_glob("caf?", "caf\xc3\xa9"));
    EXPECT_TRUE(matches_glob("[ab]%_", "[ab]%_")) << "brackets are no pattern";
    EXPECT_FALSE(matches_glob("[ab]", "a"));
    EXPECT_TRUE(matches_glob("\\*", "*"));
    EXPECT_FALSE(matches_glob("\\*", "x"));
    EXPECT_TRUE(matches_glob("a\\", "a\\"));
    const std::string long_text(2000, 'a');
    EXPECT_FALSE(matches_glob("*a*a*a*a*a*a*a*a*a*a*b", long_text)) << "and soon";
}

TEST(ControlAddress, LiesInANetwork) {
    EXPECT_TRUE(lies_in("10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(lies_in("10.1.2.4", "10.1.2.3"));
    EXPECT_TRUE(lies_in("10.1.2.4", "10.1.2.3/8"));
    EXPECT_TRUE(lies_in("10.1.2.4", "0.0.0.0/0"));
    EXPECT_FALSE(lies_in("::1", "0.0.0.0/0"));
    EXPECT_TRUE(lies_in("2001:db8::1", "2001:db8::/32"));
    EXPECT_FALSE(lies_in("no address", "::/0"));
}

}  // namespace
}  // namespace leash::tool
