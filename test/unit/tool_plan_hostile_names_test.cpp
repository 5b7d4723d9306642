// A crisis in which all names were chosen to do harm: nothing in the page acts, and what is
// to be pasted says what it should.
#include "plan_evidence.h"

#include <algorithm>
#include <cstdlib>
#include <filesystem>
#include <fstream>
#include <regex>
#include <sstream>

#include <fmt/format.h>

#include "plan/page.h"
#include "plan/quoting.h"
#include "plan_page_text.h"
#include "render/text.h"

namespace leash::tool::plan {
namespace {

using testing::HasSubstr;
using testing::Not;

// What a browser, a reader of Markdown, a terminal or a shell might fall for.
const std::vector<std::string> kNames = {
    "<script>document.title='hostile-marker'</script>",
    "\"><img src=x onerror=hostile-marker>",
    "a | b | hostile-marker",
    "`hostile-marker` ``x`` ```",
    "```\nhostile-marker\n```",
    "[hostile-marker](javascript:alert)",
    "![x](http://127.0.0.1:9/hostile-marker)",
    "](http://127.0.0.1:9/hostile-marker)",
    "# hostile-marker",
    "- hostile-marker\n- x\n1. y",
    "a\n\n<b>hostile-marker",
    "\x1b[2J\x1b]0;hostile-marker\x07\r\b",
    "\xe2\x80\xaehostile-marker\xe2\x80\xac",
    "\xff\xfehostile-marker\xc3",
    "'; touch hostile-marker; '",
    "$(touch hostile-marker) `touch hostile-marker` ${IFS}",
    "\nEND_OF_POLICY\ntouch hostile-marker\n",
    "\\'; DROP TABLE x; -- hostile-marker \\",
    "\x0e\x0f\x0ehostile-marker",
    "--hostile-marker",
};

// A server on which every rule finds something, all of it named so.
Evidence hostile_crisis(const std::string& name) {
    Evidence e = full_server();
    e.server.host = e.server.port = e.server.database = e.server.version = name;
    const auto spoil = [&](auto&... text) { ((text = name), ...); };
    ApplicationFacts pool = application("x");
    pool.sessions = pool.opened_together.emplace(40);
    ApplicationFacts hasty = application("x");
    hasty.usename = "hasty";
    hasty.opened = hasty.ended.emplace(200'000);
    hasty.statements = 200'000;
    hasty.mean_lifetime = Seconds{0.1};
    hasty.in_use_peak = 60;
    spoil(pool.application_name, pool.usename, pool.datname, hasty.application_name, hasty.datname);
    e.applications = {pool, hasty};
    e.applications[0].active_time = Seconds{400};
    for (int i = 0; i < 2; ++i) {
        e.history[static_cast<std::size_t>(kDayMinutes - 60 + i)].used_peak = 90;
        e.history[static_cast<std::size_t>(kDayMinutes - 60 + i)].in_use_peak = 90;
    }
    for (MinuteFacts& minute : e.history) {
        minute.opened = 200;
        minute.blks_read = 9'000;
    }
    for (const char* kind : {"idle in transaction", "abandoned", "stalled client", "peer gone"}) {
        CauseFacts facts = cause(kind, 3);
        facts.route = facts.last_statement = name;
        spoil(facts.application_name, facts.usename, facts.datname);
        facts.opener = kind[0] == 'i' ? name : "";
        e.causes.push_back(facts);
    }
    e.causes[1].usename = "leaky";
    e.transactions = {transaction(900, 1)};
    e.transactions[0].opener = name;
    spoil(e.transactions[0].session_id, e.transactions[0].application_name,
          e.transactions[0].usename);
    e.indexes = {index(1'000, 40'000)};
    spoil(e.indexes[0].table, e.indexes[0].columns, e.indexes[0].datname);
    e.slow = {slow(name, 1'000, 20), slow("COPY " + name, 100, 400)};
    for (SlowFacts& facts : e.slow) {
        facts.application_name = name;
        facts.temp_blks_written = 640 * facts.calls;
        spoil(facts.usename, facts.datname);
    }
    e.slow[0].datname = e.slow[1].datname = "other";
    e.orphans = {{"prepared transaction", name, ago(kDay), name},
                 {"inactive slot", name, ago(kDay), name}};
    e.databases[0].datname = name;
    e.databases[0].xid_age = 1'500'000'000;
    e.compute = {{std::nullopt, {}, {}, 900, 24, 0}, {name, name, name, 900, 20, 12}};
    e.refusals.push_back(refusal(60, 99, "role limit"));
    return e;
}

TEST(PlanOfHostileNames, EveryRuleFindsSomething) {
    const std::vector<Finding> findings = find(hostile_crisis("x"));
    std::vector<std::string> kinds;
    for (const Finding& finding : findings) {
        kinds.push_back(finding.kind + (finding.cause.empty() ? "" : "/" + finding.cause));
        expect_whole(finding);
    }
    EXPECT_THAT(kinds, testing::UnorderedElementsAre(
                           "leak/open transaction", "leak/forgotten connection",
                           "leak/stalled client", "leak/client gone", "pool too big", "no pool",
                           "spike", "long transaction", "missing index", "slow statements",
                           "bulk work", "low cache hit ratio", "held back/prepared transaction",
                           "held back/inactive slot", "held back/old transaction ids",
                           "compute hours", "refused connections/role limit"));
}

// The page of an innocent name has as many blocks, rows and cells of each kind.
std::string shape_of(const std::string& page) {
    std::string shape;
    std::string fence;
    for (const std::string& line : lines_of(page)) {
        if (!fence.empty()) {
            shape += line == fence ? "end\n" : "";
            fence = line == fence ? "" : fence;
        } else if (line.starts_with("```")) {
            fence = line.substr(0, line.find_first_not_of('`'));
            shape += "code " + line.substr(fence.size()) + '\n';
        } else if (line.starts_with('|')) {
            shape += fmt::format("cells {}\n", std::count(line.begin(), line.end(), '|'));
        } else {
            shape += line.substr(0, line.find(' ')) + '\n';
            shape = std::regex_replace(shape, std::regex("\n[^#\\-*\n][^\n]*\n$"), "\ntext\n");
        }
    }
    return shape + fence;
}

class HostileName : public testing::TestWithParam<std::size_t> {
protected:
    const std::string& name() const { return kNames[GetParam()]; }
};

TEST_P(HostileName, IsNoMarkdown) {
    const std::string page = markdown(hostile_crisis(name()));
    EXPECT_THAT(page, HasSubstr("hostile-marker"));
    for (const char c : page) {
        ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << page;
    }
    EXPECT_THAT(page, Not(HasSubstr("\u202e")));
    // Outside of code: no tag, no link, no picture.
    std::string outside;
    std::string fence;
    for (const std::string& line : lines_of(page)) {
        if (fence.empty() && line.starts_with("```")) {
            fence = line.substr(0, line.find_first_not_of('`'));
        } else if (!fence.empty()) {
            fence = line == fence ? "" : fence;
        } else {
            outside += line + '\n';
        }
    }
    EXPECT_EQ(fence, "") << "a block of code has no end";
    outside = std::regex_replace(outside, std::regex("\\\\`"), "");
    std::string text;  // without spans of code: what a fence of as many backticks ends
    for (std::size_t at = 0; at < outside.size();) {
        const std::size_t run = std::min(outside.find_first_not_of('`', at), outside.size()) - at;
        std::size_t end = std::string::npos;
        for (std::size_t next = at + run; run > 0 && next < outside.size();) {
            next = outside.find('`', next);
            const std::size_t stop = std::min(outside.find_first_not_of('`', next), outside.size());
            if (next == std::string::npos || stop - next == run) {
                end = next;
                break;
            }
            next = stop;
        }
        ASSERT_TRUE(run == 0 || end != std::string::npos) << "a span of code has no end";
        text += run == 0 ? outside.substr(at, 1) : "";
        at = run == 0 ? at + 1 : end + run;
    }
    EXPECT_THAT(text, Not(HasSubstr("<")));
    EXPECT_THAT(text, Not(testing::ContainsRegex("[^\\]\\](\\(|\\[)"))) << text;
}

// As with an innocent name: no list, heading, row or cell more or less.
TEST_P(HostileName, BreaksNoTableAndNoBlock) {
    EXPECT_EQ(shape_of(markdown(hostile_crisis(name()))), shape_of(markdown(hostile_crisis("x"))));
}

TEST_P(HostileName, IsNoHtml) {
    const std::string page = html_of(document_of(make_page(hostile_crisis(name()))));
    EXPECT_THAT(page, HasSubstr("hostile-marker"));
    const std::regex tag("<[^>]*>");
    for (std::sregex_iterator at(page.begin(), page.end(), tag), end; at != end; ++at) {
        EXPECT_THAT(at->str(), Not(HasSubstr("hostile")));
        EXPECT_THAT(at->str(), Not(testing::ContainsRegex("script|img|onerror|<b>")));
    }
    for (const char c : page) {
        ASSERT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20);
    }
    EXPECT_EQ(valid_utf8(page), page);
}

TEST_P(HostileName, IsAsItIsInJson) {
    nlohmann::ordered_json document;
    add_json(document, make_page(hostile_crisis(name())));
    const std::string text =
        document.dump(-1, ' ', false, nlohmann::ordered_json::error_handler_t::replace);
    EXPECT_TRUE(nlohmann::json::accept(text));
}

// --- what is to be pasted -----------------------------------------------------------------------

std::string argument(const std::string& word) {
    return word + '\0';
}

// Runs what is to be pasted for a shell, by a shell to which our commands are functions
// that only note what they were told.
TEST_P(HostileName, IsOneWordToAShell) {
    std::string folder = (std::filesystem::temp_directory_path() / "plan.XXXXXX").string();
    ASSERT_NE(mkdtemp(folder.data()), nullptr);
    std::ofstream script(folder + "/script");
    script << "cd '" << folder << "' || exit\n"
           << "for name in pgleash psql vacuumdb; do\n"
           << "  eval \"$name() { printf '%s\\\\0' $name \\\"\\$@\\\" >> words; }\"\ndone\n";
    const Page page = make_page(hostile_crisis(name()));
    script << page.target;
    for (const Finding& finding : page.findings) {
        for (const Fix& fix : finding.fixes) {
            script << (fix.language == "sh" ? fix.text : "");
        }
        for (const Watch& watch : finding.watch) {
            script << watch.text << '\n';
        }
    }
    script << "printf '%s' \"$PGHOST\" > host\n";
    script.close();
    ASSERT_EQ(std::system(("bash " + folder + "/script > " + folder + "/out 2>&1").c_str()), 0);
    std::ostringstream host;
    host << std::ifstream(folder + "/host").rdbuf();
    EXPECT_EQ(host.str(), name());
    std::ostringstream words;
    words << std::ifstream(folder + "/words").rdbuf();
    EXPECT_THAT(words.str(), HasSubstr(argument("--app") + argument(glob_of(name()))));
    EXPECT_THAT(words.str(), HasSubstr(argument("--user") + argument(name())));
    EXPECT_THAT(words.str(), testing::AnyOf(HasSubstr(argument("2") + argument(name())),
                                            HasSubstr(argument("2") + "--dbname=dbname='")));
    EXPECT_FALSE(std::filesystem::exists(folder + "/hostile-marker"));
    std::ostringstream out;
    out << std::ifstream(folder + "/out").rdbuf();
    EXPECT_EQ(out.str(), "");
    std::filesystem::remove_all(folder);
}

INSTANTIATE_TEST_SUITE_P(Names, HostileName, testing::Range(std::size_t{0}, kNames.size()));

}  // namespace
}  // namespace leash::tool::plan
