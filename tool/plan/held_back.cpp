// What holds a server back with no session behind it: prepared transactions, replication
// slots that nobody reads, and transaction ids that grow old.
#include <algorithm>
#include <array>
#include <cstdlib>

#include <fmt/format.h>

#include "plan/quoting.h"
#include "plan/rules.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// A transaction manager decides within seconds.
constexpr double kPreparedFor = 600;
// A standby that restarts is back by then.
constexpr double kInactiveFor = 3600;
// Where PostgreSQL does not tell since when: a gigabyte is no restart either.
constexpr double kMuchWal = 1e9;
// PostgreSQL stops to accept writes at 2.1 billion, and vacuums by force at 200 million.
constexpr std::int64_t kOldIds = 1'000'000'000;
constexpr std::int64_t kLastIds = 1'800'000'000;

// "1234 MB of WAL, ..." as pg_size_pretty() writes it; 0: it says nothing of that.
double wal_of(const std::string& holds) {
    constexpr std::array<std::pair<const char*, double>, 5> kUnits{
        {{" bytes", 1}, {" kB", 1024}, {" MB", 1048576}, {" GB", 1073741824}, {" TB", 1.1e12}}};
    const std::size_t end = holds.find(" of WAL");
    if (end == std::string::npos) {
        return 0;
    }
    const std::string size = holds.substr(0, end);
    for (const auto& [unit, bytes] : kUnits) {
        if (size.ends_with(unit)) {
            return std::strtod(size.c_str(), nullptr) * bytes;
        }
    }
    return 0;
}

bool is_old(const Situation& situation, const OrphanFacts& orphan) {
    const double age = orphan.since ? seconds_between(*orphan.since, situation.now) : 0;
    return orphan.kind == "prepared transaction"
               ? age >= kPreparedFor
               : age >= kInactiveFor || (!orphan.since && wal_of(orphan.holds) >= kMuchWal);
}

Fix end_prepared(const OrphanFacts& orphan) {
    Fix fix;
    fix.what =
        "Ask its transaction manager. If that knows it no more, roll it back, in the database "
        "and as the role named above, or as a superuser.";
    fix.language = "sql";
    fix.text = fmt::format("ROLLBACK PREPARED {};\n", sql_literal(orphan.name));
    fix.risk =
        "what it did is lost; if other databases committed their part, COMMIT PREPARED is right";
    fix.undo = "not possible";
    return fix;
}

Fix drop_slot(const OrphanFacts& orphan) {
    Fix fix;
    fix.when = When::kDay;
    fix.what = "If nobody will read from the slot again, drop it; and bound what slots may keep.";
    fix.language = "sql";
    fix.text = fmt::format(
        "SELECT pg_drop_replication_slot({});\n"
        "ALTER SYSTEM SET max_slot_wal_keep_size = '10GB';\n"
        "SELECT pg_reload_conf();\n",
        sql_literal(orphan.name));
    fix.risk =
        "a standby or subscriber that comes back must be built anew; so must one that falls "
        "behind by more than the bound";
    fix.undo = "a slot is gone for good; " + code("ALTER SYSTEM RESET max_slot_wal_keep_size;");
    return fix;
}

void add_orphan(const Situation& situation, const OrphanFacts& orphan, Findings& findings) {
    const bool prepared = orphan.kind == "prepared transaction";
    Finding finding;
    finding.kind = "held back";
    finding.cause = orphan.kind;
    finding.subject = orphan.name;
    finding.title =
        fmt::format("{} {} {}", prepared ? "Prepared transaction" : "Replication slot",
                    code(orphan.name), prepared ? "was never ended" : "is read by nobody");
    finding.harm = Harm::kRisk;
    finding.weight = orphan.since ? seconds_between(*orphan.since, situation.now) : kInactiveFor;
    finding.hurts =
        prepared ? "keeps its locks and holds back vacuum" : "keeps WAL, and disks fill up";
    finding.evidence.push_back(fmt::format(
        "{}It holds {}.", orphan.since ? "Since " + moment(*orphan.since) + ". " : std::string(),
        code(orphan.holds)));
    finding.diagnosis =
        prepared
            ? "A transaction was prepared for two-phase commit and neither committed nor rolled "
              "back: its transaction manager died, or forgot it. It has no session, and outlives "
              "restarts."
            : "A replication slot keeps WAL, and maybe dead rows, for a reader that does not "
              "come. Dropping it is the only way to get them back.";
    finding.fixes.push_back(prepared ? end_prepared(orphan) : drop_slot(orphan));
    finding.watch.push_back({"it should be gone", "pgleash orphans"});
    findings.push_back(std::move(finding));
}

// vacuumdb takes some names for an option or for a connection string.
std::string vacuumdb_name(const std::string& database) {
    if (!database.starts_with('-') && database.find_first_of("=:") == std::string::npos) {
        return shell_word(database);
    }
    std::string quoted;
    for (const char c : database) {
        quoted += c == '\'' || c == '\\' ? std::string{'\\', c} : std::string(1, c);
    }
    return "--dbname=" + shell_word("dbname='" + quoted + '\'');
}

void add_old_ids(const DatabaseFacts& database, Findings& findings) {
    const bool last = database.xid_age >= kLastIds;
    Finding finding;
    finding.kind = "held back";
    finding.cause = "old transaction ids";
    finding.subject = database.datname;
    finding.title =
        fmt::format("Transaction ids of database {} grow old", code(database.datname, 63));
    finding.harm = last ? Harm::kStandstill : Harm::kRisk;
    finding.weight = static_cast<double>(database.xid_age);
    finding.hurts = "at 2.1 billion the server stops accepting writes";
    finding.evidence.push_back(
        fmt::format("Its oldest is {} transactions old.", number(database.xid_age)));
    finding.diagnosis =
        "Vacuum does not get forward: something holds back the oldest transaction that it may "
        "forget "
        "(an old transaction, a prepared one, a slot: see the other findings), or it cannot keep "
        "up.";
    Fix fix;
    fix.what = "End what holds it back, then vacuum the database.";
    fix.language = "sh";
    fix.text = fmt::format("vacuumdb --freeze --jobs 2 {}\n", vacuumdb_name(database.datname));
    fix.risk = "it reads and writes much; run it when there is least to do";
    fix.undo = "not needed; it can be stopped at any time";
    finding.fixes.push_back(fix);
    finding.watch.push_back(
        {"the age should fall",
         "psql -c 'SELECT datname, age(datfrozenxid) FROM pg_database ORDER BY 2 DESC'"});
    findings.push_back(std::move(finding));
}

}  // namespace

void find_held_back(const Situation& situation, Findings& findings) {
    for (const OrphanFacts& orphan : situation.evidence.orphans) {
        if (is_old(situation, orphan)) {
            add_orphan(situation, orphan, findings);
        }
    }
    for (const DatabaseFacts& database : situation.evidence.databases) {
        if (database.xid_age >= kOldIds) {
            add_old_ids(database, findings);
        }
    }
}

}  // namespace leash::tool::plan
