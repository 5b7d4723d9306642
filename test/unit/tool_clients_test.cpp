#include "advice/clients.h"

#include <algorithm>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "advice/quoting.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;
using testing::Not;

PoolAdvice sample() {
    PoolAdvice advice;
    advice.application_name = "shop";
    advice.usename = "api";
    advice.datname = "orders";
    advice.per_instance = 4;
    advice.role_connections = 12;
    advice.pooler_size = 9;
    advice.pooler_database_size = 11;
    return advice;
}

std::vector<std::string> names(const std::vector<const Client*>& found) {
    std::vector<std::string> out;
    for (const Client* client : found) {
        out.emplace_back(client->name);
    }
    return out;
}

std::string paste(const char* client, const PoolAdvice& advice = sample()) {
    return paste_text(*find_clients(client).at(0), advice);
}

TEST(Clients, AreFoundByTheNamesTheyGoBy) {
    EXPECT_THAT(names(find_clients("node-postgres")), ElementsAre("node-postgres"));
    EXPECT_THAT(names(find_clients("PG")), ElementsAre("node-postgres"));
    EXPECT_THAT(names(find_clients("Spring")), ElementsAre("hikari"));
    EXPECT_THAT(names(find_clients("prisma")), ElementsAre("prisma-7", "prisma-6"));
    EXPECT_THAT(names(find_clients("prisma-6")), ElementsAre("prisma-6"));
    EXPECT_THAT(names(find_clients("oracle")), IsEmpty());
    EXPECT_THAT(names(find_clients("")), IsEmpty());
}

TEST(Clients, AreGuessedByTheApplicationsName) {
    EXPECT_THAT(names(guess_clients("orders-Prisma")), ElementsAre("prisma-7", "prisma-6"));
    EXPECT_THAT(names(guess_clients("PostgreSQL JDBC Driver")), ElementsAre("hikari"));
    EXPECT_THAT(names(guess_clients("node api")), ElementsAre("node-postgres"));
    EXPECT_THAT(names(guess_clients("checkout")), IsEmpty());
    EXPECT_THAT(names(guess_clients("")), IsEmpty());
}

// Every mark is one that is known, whoever adds a client.
TEST(Clients, AllTextsAreComplete) {
    for (const Client& client : clients()) {
        const std::string text = paste_text(client, sample());
        EXPECT_THAT(text, Not(HasSubstr("<"))) << client.name;
        EXPECT_EQ(text.back(), '\n') << client.name;
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
                  std::count(client.text.begin(), client.text.end(), '\n'));
        const bool sized = text.find('4') != std::string::npos;
        EXPECT_TRUE(sized || client.name == "pgbouncer" || client.name == "server") << text;
        EXPECT_EQ(find_clients(client.name).at(0), &client);
    }
}

TEST(Clients, PrismaIsByVersion) {
    EXPECT_EQ(paste("prisma-6"),
              "DATABASE_URL=\"postgresql://USER:PASSWORD@HOST:5432/orders?connection_limit=4&"
              "pool_timeout=10&application_name=shop\"\n");
    EXPECT_EQ(paste("prisma-7"),
              "const adapter = new PrismaPg({\n"
              "  connectionString, max: 4, application_name: 'shop',\n"
              "  connectionTimeoutMillis: 10_000, idleTimeoutMillis: 300_000,\n"
              "})\n");
}

TEST(Clients, NodePostgresOutlivesTheEndOfASession) {
    EXPECT_THAT(paste("node-postgres"), HasSubstr("max: 4"));
    EXPECT_THAT(paste("node-postgres"), HasSubstr("pool.on('error', "));
}

TEST(Clients, PoolersAndServersHaveSumsOfTheirOwn) {
    EXPECT_THAT(paste("pgbouncer"), HasSubstr("\norders = host=HOST pool_size=9\n"));
    EXPECT_THAT(paste("pgbouncer"), HasSubstr("max_db_connections = 11\n"));
    EXPECT_THAT(paste("server"), HasSubstr("ALTER ROLE \"api\" CONNECTION LIMIT 12;\n"));
}

TEST(Clients, OfOneConnectionNoTwoAreKeptReady) {
    PoolAdvice small = sample();
    small.per_instance = 1;
    EXPECT_THAT(paste("asyncpg", small), HasSubstr("min_size=1, max_size=1"));
    EXPECT_THAT(paste("asyncpg"), HasSubstr("min_size=2, max_size=4"));
}

TEST(Clients, NamesThatAreNotKnownAreLeftToFillIn) {
    PoolAdvice unknown = sample();
    unknown.application_name = unknown.usename = unknown.datname = "";
    EXPECT_THAT(paste("server", unknown), HasSubstr("ALTER ROLE ROLE CONNECTION"));
    EXPECT_THAT(paste("pgbouncer", unknown), HasSubstr("\nDATABASE = host"));
    EXPECT_THAT(paste("prisma-7", unknown), HasSubstr("'YOUR-SERVICE'"));
}

// --- quoting ---------------------------------------------------------------------------

constexpr const char* kHostile = "a'b\"c\\d\n\x1b[2J<script>$(x)`\xe2\x80\xae\xff";

TEST(Quoting, StaysOneLiteralInEachLanguage) {
    EXPECT_EQ(javascript_text(kHostile),
              "'a\\'b\"c\\\\d\\u{a}\\u{1b}[2J<script>$(x)`\\u{202e}\xef\xbf\xbd'");
    EXPECT_EQ(python_text(kHostile),
              "\"a'b\\\"c\\\\d\\u000a\\u001b[2J<script>$(x)`\\u202e\xef\xbf\xbd\"");
    EXPECT_EQ(url_text("a b&c=d%/\xc3\xbc?\n"), "a%20b%26c%3Dd%25%2F%C3%BC%3F%0A");
    EXPECT_EQ(sql_name("it's \"x\" \\ y"), "\"it's \"\"x\"\" \\ y\"");
    EXPECT_EQ(sql_name("a\\b\n\""), "U&\"a\\\\b\\000a\"\"\"");
    EXPECT_EQ(sql_text("it's \\"), "'it''s \\'");
    EXPECT_EQ(sql_text("it's \\\n"), "U&'it''s \\\\\\000a'");
    EXPECT_EQ(python_text("\xf3\xa0\x81\x81"), "\"\\U000e0041\"");
    EXPECT_EQ(sql_name("\xf3\xa0\x81\x81"), "U&\"\\+0e0041\"");
}

// What PgBouncer 1.18 reads: no quotes around a name, and those of SQL around a value.
TEST(Quoting, PgBouncersFileHasNoEscapes) {
    EXPECT_EQ(pgbouncer_name("my-db_2.x"), "my-db_2.x");
    EXPECT_EQ(pgbouncer_dbname("my-db_2.x"), "");
    EXPECT_EQ(pgbouncer_name("my db"), "");
    EXPECT_EQ(pgbouncer_dbname("my \"db' x;y=1\\"), "dbname='my \"db'' x;y=1\\'");
    EXPECT_EQ(pgbouncer_name("a\nb") + pgbouncer_dbname("a\nb"), "");
    EXPECT_EQ(pgbouncer_dbname(""), "");
    PoolAdvice odd = sample();
    odd.datname = "my db";
    EXPECT_THAT(paste("pgbouncer", odd), HasSubstr("\nDATABASE = host=HOST dbname='my db' pool_"));
}

TEST(Quoting, HostileNamesAddNoLineToAnyText) {
    PoolAdvice hostile = sample();
    hostile.application_name = hostile.usename = hostile.datname = kHostile;
    for (const Client& client : clients()) {
        const std::string text = paste_text(client, hostile);
        EXPECT_EQ(std::count(text.begin(), text.end(), '\n'),
                  std::count(client.text.begin(), client.text.end(), '\n'))
            << client.name;
        EXPECT_THAT(text, Not(HasSubstr("\x1b"))) << client.name;
    }
}

}  // namespace
}  // namespace leash::tool
