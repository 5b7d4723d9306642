#include "advice/clients.h"

#include <algorithm>
#include <cctype>

#include <fmt/format.h>

#include "advice/quoting.h"
#include "commands/node_clients.h"

namespace leash::tool {
namespace {

// In a text: <n> the pool of one instance, <min> what it keeps ready, <limit> connections
// of the role, <pooler> and <database> PgBouncer's; names as <app:js>, <app:py>, <app:url>,
// <db:url>, <db:ini>, <db:dbname>, <role:sql>.
constexpr Client kClients[] = {
    {"prisma-7", "Prisma 7 (@prisma/adapter-pg)",
     "const adapter = new PrismaPg({\n"
     "  connectionString, max: <n>, application_name: <app:js>,\n"
     "  connectionTimeoutMillis: 10_000, idleTimeoutMillis: 300_000,\n"
     "})\n",
     "Prisma 7 ignores connection_limit and max in DATABASE_URL: only max of the adapter counts"},
    {"prisma-6", "Prisma 6 and older",
     "DATABASE_URL=\"postgresql://USER:PASSWORD@HOST:5432/<db:url>"
     "?connection_limit=<n>&pool_timeout=10&application_name=<app:url>\"\n",
     "add &pgbouncer=true behind PgBouncer older than 1.21, and &statement_cache_size=0 as a last "
     "resort"},
    {"node-postgres", "node-postgres",
     "const pool = new Pool({\n"
     "  max: <n>, connectionTimeoutMillis: 10_000, application_name: <app:js>,\n"
     "})\n"
     "pool.on('error', (err) => console.error(err))\n",
     "without the 'error' listener a session that ends takes the whole process with it"},
    {"typeorm", "TypeORM",
     "poolSize: <n>, applicationName: <app:js>,\n"
     "extra: { connectionTimeoutMillis: 10000 },\n",
     ""},
    {"sequelize", "Sequelize",
     "pool: { max: <n>, min: 0, acquire: 10000, idle: 10000 },\n"
     "dialectOptions: { application_name: <app:js> },\n",
     ""},
    {"knex", "Knex", "pool: { min: 0, max: <n> }, acquireConnectionTimeout: 10000,\n",
     "Knex's default min of 2 keeps two idle for ever"},
    {"postgres.js", "postgres.js",
     "const sql = postgres(url, {\n"
     "  max: <n>, idle_timeout: 60, connection: { application_name: <app:js> },\n"
     "})\n",
     "add prepare: false behind PgBouncer older than 1.21"},
    {"hikari", "HikariCP, Spring Boot",
     "spring.datasource.hikari.maximum-pool-size=<n>\n"
     "spring.datasource.hikari.max-lifetime=1800000\n"
     "spring.datasource.hikari.leak-detection-threshold=60000\n"
     "spring.datasource.url=jdbc:postgresql://HOST/<db:url>?ApplicationName=<app:url>\n",
     "without Spring, setMaximumPoolSize and so on; leak detection logs the line that forgot to "
     "give a connection back"},
    {"sqlalchemy", "SQLAlchemy",
     "engine = create_engine(\n"
     "    url, pool_size=<n>, max_overflow=0, pool_pre_ping=True, pool_recycle=1800,\n"
     "    connect_args={\"application_name\": <app:py>})\n",
     "its default is 5 and 10 more; a Session begins with its first SELECT and holds the "
     "connection until commit, rollback or close"},
    {"django", "Django",
     "# Django 5.1 and newer, with psycopg[pool]; CONN_MAX_AGE stays 0\n"
     "\"OPTIONS\": {\"pool\": {\"min_size\": <min>, \"max_size\": <n>}, \"application_name\": "
     "<app:py>},\n"
     "# before: a connection for each thread, so keep workers x threads at <n> or below\n"
     "# \"CONN_MAX_AGE\": 60, \"CONN_HEALTH_CHECKS\": True,\n",
     "the pool is one for each process: give its processes as --instances"},
    {"psycopg_pool", "psycopg_pool",
     "pool = ConnectionPool(conninfo, min_size=<min>, max_size=<n>,\n"
     "                      kwargs={\"application_name\": <app:py>})\n",
     ""},
    {"asyncpg", "asyncpg",
     "pool = await asyncpg.create_pool(dsn, min_size=<min>, max_size=<n>,\n"
     "                                 server_settings={\"application_name\": <app:py>})\n",
     "its default opens 10 at once and keeps them"},
    {"go", "Go (database/sql, pgx)",
     "db.SetMaxOpenConns(<n>)\n"
     "db.SetMaxIdleConns(<n>)\n"
     "db.SetConnMaxIdleTime(5 * time.Minute)\n"
     "// pgxpool: config.MaxConns = <n>\n",
     "the default of database/sql has no limit"},
    {"rails", "Rails (config/database.yml)", "pool: <n>\napplication_name: <app:py>\n",
     "the pool is one for each process: give its processes as --instances"},
    {"pgbouncer", "PgBouncer (pgbouncer.ini)",
     "[databases]\n"
     "<db:ini> = host=HOST <db:dbname>pool_size=<pooler>\n"
     "[pgbouncer]\n"
     "pool_mode = transaction\n"
     "max_db_connections = <database>\n"
     "idle_transaction_timeout = 60\n",
     "in transaction mode SET, LISTEN, session advisory locks and temporary tables do not outlive "
     "a transaction"},
    {"server", "the server itself",
     "ALTER ROLE <role:sql> CONNECTION LIMIT <limit>;\n"
     "ALTER ROLE <role:sql> SET idle_in_transaction_session_timeout = '60s';\n"
     "ALTER SYSTEM SET client_connection_check_interval = '10s';\n"
     "ALTER SYSTEM SET tcp_keepalives_idle = 60;\n"
     "SELECT pg_reload_conf();\n",
     "once the pools have their new size, or the limit refuses them; undo with CONNECTION LIMIT "
     "-1, ALTER ROLE ... RESET and ALTER SYSTEM RESET"},
};

struct Alias {
    std::string_view name;
    std::string_view client;
};

constexpr Alias kAliases[] = {
    {"prisma", "prisma-7"},
    {"prisma", "prisma-6"},
    {"pg", "node-postgres"},
    {"node", "node-postgres"},
    {"drizzle", "node-postgres"},
    {"drizzle", "postgres.js"},
    {"postgres", "postgres.js"},
    {"postgresjs", "postgres.js"},
    {"hikaricp", "hikari"},
    {"spring", "hikari"},
    {"jdbc", "hikari"},
    {"psycopg", "psycopg_pool"},
    {"psycopg3", "psycopg_pool"},
    {"golang", "go"},
    {"pgx", "go"},
    {"gorm", "go"},
    {"activerecord", "rails"},
    {"puma", "rails"},
    {"sidekiq", "rails"},
    {"postgresql", "server"},
};

// Words of an application's name that speak of a client, beside those of node.
constexpr std::string_view kTelling[] = {
    "prisma", "typeorm", "sequelize",  "knex",   "drizzle", "hikari",    "hikaricp",
    "spring", "jdbc",    "sqlalchemy", "django", "psycopg", "asyncpg",   "golang",
    "pgx",    "gorm",    "rails",      "puma",   "sidekiq", "pgbouncer",
};

constexpr std::int64_t kKeptReady = 2;

std::string lower(std::string_view text) {
    std::string out;
    for (const char c : text) {
        out += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

// A name that is not known is left for whoever pastes.
std::string name_or(const std::string& name, std::string (*quote)(std::string_view),
                    const char* placeholder) {
    const std::string quoted = name.empty() ? std::string() : quote(name);
    return quoted.empty() ? placeholder : quoted;
}

std::string value_of(std::string_view mark, const PoolAdvice& advice) {
    const auto application = [&](std::string (*quote)(std::string_view)) {
        return quote(advice.application_name.empty() ? "YOUR-SERVICE" : advice.application_name);
    };
    if (mark == "n") {
        return std::to_string(advice.per_instance);
    }
    if (mark == "min") {
        return std::to_string(std::min(kKeptReady, advice.per_instance));
    }
    if (mark == "limit") {
        return std::to_string(advice.role_connections);
    }
    if (mark == "pooler") {
        return std::to_string(advice.pooler_size);
    }
    if (mark == "database") {
        return std::to_string(advice.pooler_database_size);
    }
    if (mark == "app:js") {
        return application(javascript_text);
    }
    if (mark == "app:py") {
        return application(python_text);
    }
    if (mark == "app:url") {
        return application(url_text);
    }
    if (mark == "db:url") {
        return name_or(advice.datname, url_text, "DATABASE");
    }
    if (mark == "db:ini") {
        return name_or(advice.datname, pgbouncer_name, "DATABASE");
    }
    if (mark == "db:dbname") {
        const std::string dbname = pgbouncer_dbname(advice.datname);
        return dbname.empty() ? dbname : dbname + ' ';
    }
    if (mark == "role:sql") {
        return name_or(advice.usename, sql_name, "ROLE");
    }
    return {};
}

}  // namespace

std::span<const Client> clients() {
    return kClients;
}

std::vector<const Client*> find_clients(std::string_view name) {
    const std::string wanted = lower(name);
    std::vector<const Client*> found;
    for (const Client& client : kClients) {
        const bool called =
            std::any_of(std::begin(kAliases), std::end(kAliases), [&](const Alias& alias) {
                return alias.name == wanted && alias.client == client.name;
            });
        if (client.name == wanted || called) {
            found.push_back(&client);
        }
    }
    return found;
}

std::vector<const Client*> guess_clients(const std::string& application_name) {
    std::string word;
    for (const char c : lower(application_name) + ' ') {
        if (std::isalnum(static_cast<unsigned char>(c)) != 0) {
            word += c;
            continue;
        }
        if (std::find(std::begin(kTelling), std::end(kTelling), word) != std::end(kTelling)) {
            return find_clients(word);
        }
        word.clear();
    }
    const bool is_node = !application_name.empty() && may_be_node(application_name);
    return is_node ? find_clients("node-postgres") : std::vector<const Client*>();
}

std::string paste_text(const Client& client, const PoolAdvice& advice) {
    std::string out;
    for (std::size_t at = 0; at < client.text.size();) {
        const std::size_t mark = client.text.find('<', at);
        out += client.text.substr(at, mark - at);
        if (mark == std::string_view::npos) {
            break;
        }
        const std::size_t end = client.text.find('>', mark);
        out += value_of(client.text.substr(mark + 1, end - mark - 1), advice);
        at = end + 1;
    }
    return out;
}

}  // namespace leash::tool
