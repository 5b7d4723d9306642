#include "cli/options.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "cli/suggest.h"
#include "failure.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;
using testing::StartsWith;

using Words = std::vector<std::string>;

ParsedCommandLine parse(const Words& words) {
    return parse_command_line(words);
}

Options accepted(const Words& words) {
    const ParsedCommandLine parsed = parse(words);
    EXPECT_TRUE(parsed.options.has_value()) << parsed.error;
    return parsed.options.value_or(Options{});
}

struct UsageCase {
    Words words;
    std::string error;  // how it starts
};

class UsageError : public testing::TestWithParam<UsageCase> {};

TEST_P(UsageError, ExitsWith2AndOneLine) {
    const ParsedCommandLine parsed = parse(GetParam().words);
    EXPECT_FALSE(parsed.options.has_value());
    EXPECT_EQ(parsed.exit_code, kExitUsage);
    EXPECT_EQ(parsed.output, "");
    EXPECT_THAT(parsed.error, StartsWith(GetParam().error));
    EXPECT_EQ(parsed.error.find('\n'), std::string::npos);
}

INSTANTIATE_TEST_SUITE_P(
    CommandLine, UsageError,
    testing::Values(
        UsageCase{{}, "no command given; the commands are status, sessions,"},
        UsageCase{{"sesions"}, "unknown command \"sesions\"; did you mean \"sessions\"?"},
        UsageCase{{"frobnicate"}, "unknown command \"frobnicate\"; the commands are status,"},
        UsageCase{{"--frob"}, "unrecognized option \"--frob\"; try \"pgleash --help\""},
        UsageCase{{"status", "-x"}, "unrecognized option \"-x\"; try \"pgleash status --help\""},
        UsageCase{{"leaks", "--min-idel", "5s"},
                  "unrecognized option \"--min-idel\"; did you mean \"--min-idle\"?"},
        UsageCase{{"--app", "x", "sessions"}, "option \"--app\" must stand after the command"},
        UsageCase{{"sessions", "leaks"}, "too many arguments for \"sessions\" (the first is"},
        UsageCase{{"sessions", "--app"}, "an option lacks its value (--app"},
        UsageCase{{"--format", "xml", "status"}, "invalid format \"xml\"; --format takes"},
        UsageCase{{"--json", "--csv", "status"}, "give only one of --format, --json and --csv"},
        UsageCase{{"--json=no", "status"}, "--json: it takes no value"},
        UsageCase{{"--color", "pink", "status"}, "invalid choice \"pink\"; --color takes"},
        UsageCase{{"slow", "--state", "idle"}, "unrecognized option \"--state\""},
        UsageCase{{"metrics", "--csv"}, "metrics are text for Prometheus;"},
        UsageCase{{"metrics", "--output", "x.txt"},
                  "--output wants a name that ends in .prom: node exporter's"},
        UsageCase{{"metrics", "--top", "0"}, "invalid number \"0\" for --top"},
        UsageCase{{"advise", "--csv"}, "CSV is one table: choose \"advise pools\""},
        UsageCase{{"advise", "pools", "--threads", "4"}, "--threads needs --per-request"}));

INSTANTIATE_TEST_SUITE_P(
    Values, UsageError,
    testing::Values(
        UsageCase{{"leaks", "--min-idle", "-5s"},
                  "invalid duration \"-5s\" for --min-idle: it is negative; write for example 90s"},
        UsageCase{{"leaks", "--min-idle=5"},
                  "invalid duration \"5\" for --min-idle: it has no unit; write for example 90s"},
        UsageCase{{"slow", "--min-duration", "5m"},
                  "invalid duration \"5m\" for --min-duration: its unit is unknown;"},
        UsageCase{{"leaks", "--min-idle="}, "invalid duration \"\" for --min-idle: it is empty;"},
        UsageCase{{"advise", "pools", "--for", "oracle"},
                  "unknown client \"oracle\" for --for; it knows prisma, prisma-7, prisma-6,"},
        UsageCase{{"advise", "pools", "--headroom", "0.9"},
                  "invalid factor \"0.9\" for --headroom; write 1 to 10"},
        UsageCase{{"advise", "pools", "--headroom", "nan"}, "invalid factor \"nan\""},
        UsageCase{{"advise", "pools", "--headroom", "-5%"}, "invalid factor \"-5%\""},
        UsageCase{{"advise", "pools", "--instances", "0"}, "invalid number \"0\" for --instances"},
        UsageCase{{"advise", "pools", "--app", "[a"}, "invalid glob \"[a\" for --app: it has a ["},
        UsageCase{{"advise", "settings", "--from="}, "no file given for --from"},
        UsageCase{{"sessions", "--limit", "0"}, "invalid number \"0\" for --limit;"},
        UsageCase{{"sessions", "--limit", "-3"}, "invalid number \"-3\" for --limit;"},
        UsageCase{{"sessions", "--limit", "1x"}, "invalid number \"1x\" for --limit;"},
        UsageCase{{"sessions", "--limit", "99999999999999999999"}, "invalid number"},
        UsageCase{{"sessions", "--state", "lost"}, "invalid state \"lost\" for --state;"},
        UsageCase{{"sessions", "--addr", "10.0.0.0/33"}, "invalid address \"10.0.0.0/33\""},
        UsageCase{{"sessions", "--addr", "::1/129"}, "invalid address \"::1/129\""},
        UsageCase{{"sessions", "--addr", "host.example"}, "invalid address \"host.example\""},
        UsageCase{{"sessions", "--sort", "1; DROP TABLE t"}, "cannot sort by \"1; DROP TABLE t\";"},
        UsageCase{{"sessions", "--sort", "state_for"}, "cannot sort by \"state_for\";"},
        UsageCase{{"sessions", "--sort", "idle_for:"}, "invalid direction \"\" for --sort;"},
        UsageCase{{"sessions", "--watch", "0"}, "invalid interval \"0\" for --watch;"},
        UsageCase{{"sessions", "--watch", "soon"}, "invalid interval \"soon\" for --watch;"},
        UsageCase{{"sessions", "--watch", "1", "--csv"}, "--watch does not go with CSV;"}));

INSTANTIATE_TEST_SUITE_P(
    Policies, UsageError,
    testing::Values(UsageCase{{"policy"}, "no command given after \"policy\";"},
                    UsageCase{{"policy", "aply"}, "unknown command \"policy aply\"; did you mean"},
                    UsageCase{{"policy", "list", "x"}, "too many arguments for \"policy list\""},
                    UsageCase{{"policy", "test"}, "no file of policies given"},
                    UsageCase{{"policy", "apply", "f", "--pune"},
                              "unrecognized option \"--pune\"; did you mean \"--prune\"?"},
                    UsageCase{{"reap", "--watch", "1", "--yes"}, "--watch goes without --yes"},
                    UsageCase{{"reap", "--at-most", "3"}, "--at-most goes with --yes only"},
                    UsageCase{{"log", "--min-idle", "1s"}, "unrecognized option \"--min-idle\""}));

INSTANTIATE_TEST_SUITE_P(
    Acting, UsageError,
    testing::Values(
        UsageCase{{"terminate"}, "no session id given;"},
        UsageCase{{"cancel"}, "no session id given;"},
        UsageCase{{"terminate", "abc"}, "invalid session id \"abc\"; it looks like"},
        UsageCase{{"terminate", "1.2", "1.x"}, "invalid session id \"1.x\"; it looks like"},
        UsageCase{{"terminate", "1."}, "invalid session id \"1.\"; it looks like"},
        UsageCase{{"terminate", "0"}, "invalid session id \"0\"; it looks like"},
        UsageCase{{"terminate", "1"}, "invalid session id \"1\"; it looks like"},
        UsageCase{{"terminate", "99999999999"}, "invalid session id \"99999999999\";"},
        UsageCase{{"terminate", ""}, "invalid session id \"\";"},
        UsageCase{{"terminate", "[1.2,3.4]"}, "invalid session id \"[1.2,3.4]\";"},
        UsageCase{{"cancel", "1.2", "--leaked"}, "unrecognized option \"--leaked\""},
        UsageCase{{"terminate", "1.2", "--leaked"}, "give either session ids or --leaked"},
        UsageCase{{"terminate", "1.2", "--yes"}, "--yes goes with --leaked only"},
        UsageCase{{"terminate", "1.2", "--app", "x"}, "--app goes with --leaked only"},
        UsageCase{{"terminate", "--leaked", "--force"}, "--force cannot be combined"}));

TEST(CommandLine, HelpAndVersionExitWith0) {
    for (const Words& words : {Words{"--help"}, Words{"-?"}, Words{"leaks", "--help"}}) {
        const ParsedCommandLine parsed = parse(words);
        EXPECT_EQ(parsed.exit_code, 0);
        EXPECT_THAT(parsed.output, HasSubstr("Usage: pgleash"));
        EXPECT_EQ(parsed.error, "");
        EXPECT_FALSE(parsed.options.has_value());
    }
    EXPECT_EQ(parse({"--version"}).output, "pgleash (pg_leash) " PGLEASH_VERSION "\n");
    EXPECT_EQ(parse({"-V"}).exit_code, 0);
}

TEST(CommandLine, TakesConnectionOptionsBeforeAndAfterTheCommand) {
    const Options options =
        accepted({"-h", "db1", "sessions", "-p5433", "--username=ann", "-d", "host=x dbname=y"});
    EXPECT_EQ(options.connection.host, "db1");
    EXPECT_EQ(options.connection.port, "5433");
    EXPECT_EQ(options.connection.user, "ann");
    EXPECT_EQ(options.connection.dbname, "host=x dbname=y");
    EXPECT_EQ(options.connection.prompt, PasswordPrompt::kWhenAsked);
    EXPECT_EQ(options.command, Command::kSessions);
}

TEST(CommandLine, LastOneWinsAsInPsql) {
    EXPECT_EQ(accepted({"-h", "a", "status", "-h", "b"}).connection.host, "b");
    EXPECT_EQ(accepted({"-w", "-W", "status"}).connection.prompt, PasswordPrompt::kAlways);
    EXPECT_EQ(accepted({"-W", "status", "-w"}).connection.prompt, PasswordPrompt::kNever);
}

TEST(CommandLine, AnEmptyValueIsAValue) {
    const Options options = accepted({"sessions", "--app=", "--host="});
    EXPECT_EQ(options.filters.app, "");
    EXPECT_EQ(options.connection.host, "");
    EXPECT_FALSE(options.filters.user.has_value());
}

TEST(CommandLine, ReadsFilters) {
    const Options options =
        accepted({"leaks", "--each", "--addr", "10.0.0.0/8", "--min-idle", "1h30min", "--sort",
                  "leaked_for_seconds:asc", "--limit", "7", "--state", "idle-in-transaction"});
    EXPECT_TRUE(options.each);
    EXPECT_EQ(options.filters.address, "10.0.0.0/8");
    EXPECT_EQ(options.filters.min_idle_us, 5'400'000'000);
    EXPECT_STREQ(options.filters.sort->column->name, "leaked_for");
    EXPECT_FALSE(options.filters.sort->descending);
    EXPECT_EQ(options.filters.limit, 7);
    EXPECT_EQ(options.filters.state, "idle in transaction");
    EXPECT_EQ(accepted({"sessions", "--state", "aborted"}).filters.state,
              "idle in transaction (aborted)");
    EXPECT_TRUE(accepted({"slow", "--sort", "duration"}).filters.sort->descending);
    EXPECT_FALSE(accepted({"slow", "--sort", "usename"}).filters.sort->descending);
    EXPECT_EQ(accepted({"slow", "--watch", "0.5"}).watch_seconds, 0.5);
}

TEST(CommandLine, ReadsTargets) {
    const Options options =
        accepted({"terminate", "6745A1B2.1F3", "4711", "--reason", "[nightly]", "--force"});
    ASSERT_EQ(options.targets.size(), 2U);
    EXPECT_EQ(options.targets[0].session_id, "6745a1b2.1f3");
    EXPECT_FALSE(options.targets[0].pid.has_value());
    EXPECT_EQ(options.targets[1].pid, 4711);
    EXPECT_EQ(options.reason, "[nightly]");
    EXPECT_TRUE(options.force);
    EXPECT_FALSE(options.yes);
}

TEST(CommandLine, ReadsCommandsOfAGroup) {
    const Options apply = accepted({"-d", "db", "policy", "apply", "p.toml", "--prune", "--yes"});
    EXPECT_EQ(apply.command, Command::kPolicyApply);
    EXPECT_EQ(apply.connection.dbname, "db");
    EXPECT_EQ(apply.file, "p.toml");
    EXPECT_TRUE(apply.prune && apply.yes);
    const Options show = accepted({"policy", "--json", "show", "a b", "list"});
    EXPECT_EQ(show.command, Command::kPolicyShow);
    EXPECT_EQ(show.format, Format::kJson);
    EXPECT_EQ(show.policies, (Words{"a b", "list"}));
    EXPECT_EQ(accepted({"policy", "test", "-"}).file, "-");
}

TEST(CommandLine, ReadsAdvise) {
    const Options all = accepted({"advise", "--for", "prisma"});
    EXPECT_EQ(all.command, Command::kAdvise);
    EXPECT_EQ(all.clients.size(), 2U);
    const Options pools = accepted(
        {"advise",     "pools",         "--for", "PG",        "--app", "api*",      "--instances",
         "3",          "--headroom",    "50%",   "--cores",   "8",     "--rolling", "--cap",
         "90",         "--per-request", "2",     "--threads", "4",     "--force",   "--from",
         "before.json"});
    EXPECT_EQ(pools.command, Command::kAdvisePools);
    ASSERT_EQ(pools.clients.size(), 1U);
    EXPECT_EQ(pools.clients[0]->name, "node-postgres");
    EXPECT_EQ(pools.pools.app, "api*");
    EXPECT_EQ(pools.pools.instances, 3);
    EXPECT_EQ(pools.pools.headroom, 1.5);
    EXPECT_EQ(pools.pools.cores, 8);
    EXPECT_EQ(pools.pools.cap, 90);
    EXPECT_EQ(pools.pools.per_request, 2);
    EXPECT_EQ(pools.pools.threads, 4);
    EXPECT_TRUE(pools.pools.rolling && pools.pools.force);
    EXPECT_EQ(pools.snapshot, "before.json");
    EXPECT_EQ(accepted({"advise", "settings", "--csv"}).command, Command::kAdviseSettings);
    EXPECT_EQ(accepted({"advise", "pools"}).pools.headroom, 1.25);
}

TEST(CommandLine, ReadsReapAndLog) {
    const Options reap = accepted({"reap", "--yes", "--at-most", "50"});
    EXPECT_EQ(reap.command, Command::kReap);
    EXPECT_TRUE(reap.yes);
    EXPECT_EQ(reap.at_most, 50);
    const Options log = accepted(
        {"log", "--policy", "idle*", "--outcome", "spared", "--since", "8h", "--sort", "took"});
    EXPECT_EQ(log.filters.policy, "idle*");
    EXPECT_EQ(log.filters.outcome, "spared");
    EXPECT_EQ(log.filters.since_us, 28'800'000'000);
    EXPECT_STREQ(log.filters.sort->column->name, "took");
}

TEST(CommandLine, ShowsAnHourOfHistoryUnlessMoreIsAskedFor) {
    EXPECT_EQ(accepted({"history"}).filters.since_us, 3'600'000'000);
    EXPECT_EQ(accepted({"history", "--since", "7d"}).filters.since_us, 604'800'000'000);
    EXPECT_EQ(accepted({"log"}).filters.since_us, std::nullopt);
}

TEST(ConnectionArguments, CanBePastedIntoAShell) {
    EXPECT_EQ(connection_arguments({}), "");
    ConnectionOptions connection;
    connection.host = "/tmp/a b";
    connection.port = "5433";
    connection.dbname = "it's";
    EXPECT_EQ(connection_arguments(connection), "-h '/tmp/a b' -p 5433 -d 'it'\\''s' ");
}

TEST(ConnectionArguments, NeverRepeatAPassword) {
    ConnectionOptions connection;
    connection.dbname = "postgresql://ann:secret@db1/shop";
    EXPECT_EQ(connection_arguments(connection), "");
    connection.dbname = "dbname=shop password=secret";
    EXPECT_EQ(connection_arguments(connection), "");
    connection.dbname = "postgresql://ann@db1/shop";
    EXPECT_EQ(connection_arguments(connection), "-d postgresql://ann@db1/shop ");
}

TEST(Suggest, FindsSlipsAndNothingElse) {
    const std::vector<std::string> words = {"status", "sessions", "slow", "leaks"};
    EXPECT_EQ(closest_word("satus", words), "status");
    EXPECT_EQ(closest_word("sttaus", words), "status");
    EXPECT_EQ(closest_word("leak", words), "leaks");
    EXPECT_EQ(closest_word("session", words), "sessions");
    EXPECT_EQ(closest_word("xyz", words), "");
    EXPECT_EQ(closest_word(std::string(100'000, 's'), words), "");
}

}  // namespace
}  // namespace leash::tool
