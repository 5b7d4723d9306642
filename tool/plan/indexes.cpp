// Missing indexes: large tables that slow statements read as a whole to keep few rows.
#include <algorithm>
#include <cmath>

#include <fmt/format.h>

#include "advice/quoting.h"
#include "evidence/existing_index.h"
#include "plan/rules.h"
#include "plan/statements.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

// Once or twice may have been somebody at a prompt.
constexpr std::int64_t kEnoughStatements = 3;
// Of all statement time; and of one session's: a report at night on a quiet server has the
// first, but not the second.
constexpr double kMuchTime = 0.05;
constexpr double kBusy = 0.01;
// What was last seen earlier may be mended.
constexpr double kRecent = 86'400;
constexpr std::size_t kMostShown = 3;

// The table's own name in "shop"."Orders".
std::string bare_name(const std::string& table) {
    std::string path = table;
    bool quoted = false;
    for (char& c : path) {
        quoted = c == '"' ? !quoted : quoted;
        c = c == '.' && !quoted ? ',' : c;
    }
    const std::vector<std::string> names = split_identifiers(path);
    return names.empty() ? table : names.back();
}

bool holds_word(const std::string& text, const std::string& word) {
    const auto is_letter = [](char c) {
        return std::isalnum(static_cast<unsigned char>(c)) != 0 || c == '_';
    };
    for (std::size_t at = text.find(word); at != std::string::npos; at = text.find(word, at + 1)) {
        const std::size_t end = at + word.size();
        if ((at == 0 || !is_letter(text[at - 1])) &&
            (end == text.size() || !is_letter(text[end]))) {
            return true;
        }
    }
    return false;
}

// By its id, or because they name the table: one plan may serve several queries.
std::vector<const SlowFacts*> statements_of(const IndexFacts& facts, const Evidence& evidence) {
    std::vector<const SlowFacts*> found;
    for (const SlowFacts& slow : evidence.slow) {
        const bool is_its = facts.query_id && slow.query_id == *facts.query_id;
        if (slow.datname == facts.datname &&
            (is_its || holds_word(slow.query, bare_name(facts.table)))) {
            found.push_back(&slow);
        }
    }
    return found;
}

void add(MissingIndex& index, const IndexFacts& facts, const Situation& situation) {
    index.statements += facts.slow_statements;
    index.rows_scanned += facts.rows_scanned;
    index.rows_kept += facts.rows_kept;
    index.cost.seconds += facts.total_time.value;
    index.last_seen = std::max(index.last_seen, facts.last_seen);
    for (const SlowFacts* slow : statements_of(facts, situation.evidence)) {
        if (std::find(index.slow.begin(), index.slow.end(), slow) == index.slow.end()) {
            index.slow.push_back(slow);
        }
    }
}

// An index on (a, b) serves who asks for a.
bool is_covered(const MissingIndex& index, const std::vector<MissingIndex>& all) {
    const std::vector<std::string> columns = split_identifiers(index.columns);
    return std::any_of(all.begin(), all.end(), [&](const MissingIndex& other) {
        const std::vector<std::string> longer = split_identifiers(other.columns);
        return other.table == index.table && other.database == index.database &&
               longer.size() > columns.size() &&
               std::equal(columns.begin(), columns.end(), longer.begin());
    });
}

bool is_worth_it(const MissingIndex& index) {
    return index.statements >= kEnoughStatements && index.cost.share >= kMuchTime &&
           index.cost.sessions >= kBusy;
}

std::string index_name(const MissingIndex& index) {
    std::string name = bare_name(index.table);
    for (const std::string& column : split_identifiers(index.columns)) {
        name += '_' + column;
    }
    constexpr std::size_t kLength = 56;  // bytes, of the 63 that a name may have
    std::size_t end = std::min(name.size(), kLength);
    while (end > 0 && end < name.size() && (static_cast<unsigned char>(name[end]) & 0xc0) == 0x80) {
        --end;
    }
    return name.substr(0, end) + "_plan";
}

// Of the table's schema, as the index will be.
std::string qualified_index(const MissingIndex& index) {
    const std::string bare = sql_name(bare_name(index.table));
    std::size_t dot = std::string::npos;
    bool quoted = false;
    for (std::size_t i = 0; i < index.table.size(); ++i) {
        quoted = index.table[i] == '"' ? !quoted : quoted;
        dot = index.table[i] == '.' && !quoted ? i : dot;
    }
    return (dot == std::string::npos ? "" : index.table.substr(0, dot + 1)) +
           sql_name(index_name(index));
}

Fix create(const MissingIndex& index) {
    Fix fix;
    fix.what =
        fmt::format("Create the index, in database {}. {} tells what the planner would gain.",
                    code(index.database, 63), code("pgleash advise indexes"));
    fix.language = "sql";
    fix.text = fmt::format("CREATE INDEX CONCURRENTLY {} ON {} ({});\n",
                           sql_name(index_name(index)), index.table, index.columns);
    fix.risk =
        "writes to the table get slower, and it takes disk; it reads the table twice, waits for "
        "open transactions, and leaves an invalid index behind when it fails; not in a "
        "transaction block";
    fix.undo = code(fmt::format("DROP INDEX CONCURRENTLY {};", qualified_index(index)), 250);
    return fix;
}

std::int64_t each(std::int64_t sum, std::int64_t count) {
    return count > 0 ? sum / count : sum;
}

void expect(const MissingIndex& index, Finding& finding) {
    const double kept =
        std::clamp(static_cast<double>(std::max<std::int64_t>(index.rows_kept, 1)) /
                       static_cast<double>(std::max<std::int64_t>(index.rows_scanned, 1)),
                   0.0, 1.0);
    finding.expected.push_back(
        {"rows read by each such statement", number(each(index.rows_scanned, index.statements)),
         number(std::max<std::int64_t>(each(index.rows_kept, index.statements), 1)),
         "an index leads to the rows that are kept, as the planner expects them"});
    finding.expected.push_back({"time in these statements, of all statement time",
                                percent(index.cost.share),
                                "below " + percent(std::max(index.cost.share * kept, 0.001)),
                                "in proportion to the rows read; what else they do stays"});
}

Finding finding_of(const MissingIndex& index) {
    Finding finding;
    finding.kind = "missing index";
    finding.subject = index.database + '.' + index.table + '(' + index.columns + ')';
    finding.title =
        fmt::format("An index is missing on {}", code(index.table + " (" + index.columns + ')'));
    finding.harm = Harm::kSlow;
    finding.weight = index.cost.sessions;
    finding.hurts = fmt::format("{} of all statement time", percent(index.cost.share));
    finding.evidence.push_back(fmt::format(
        "{} read all of {} (database {}), about {} each, to keep about {}; last seen {}.",
        counted(index.statements, "slow statement"), code(index.table), code(index.database, 63),
        counted(each(index.rows_scanned, index.statements), "row"),
        number(each(index.rows_kept, index.statements)), moment(index.last_seen)));
    finding.evidence.push_back(fmt::format("They took {}.", cost_text(index.cost)));
    for (std::size_t i = 0; i < std::min(index.slow.size(), kMostShown); ++i) {
        const SlowFacts& slow = *index.slow[i];
        finding.evidence.push_back(fmt::format(
            "{} of {}, {} in the mean, at most {}: {}.", counted(slow.calls, "call"),
            slow.application_name && !slow.application_name->empty()
                ? code(*slow.application_name, 63)
                : "an application without a name",
            duration(slow.mean_time.value), duration(slow.max_time.value), code(slow.query)));
        if (finding.application.empty()) {
            finding.application = slow.application_name.value_or("");
        }
    }
    finding.diagnosis =
        "Missing index: the statements are slow because they read the whole table for a few of its "
        "rows, by columns that no index begins with. More connections would only make each slower.";
    finding.fixes.push_back(create(index));
    expect(index, finding);
    finding.watch.push_back(
        {"no new call of these statements should be slow", "pgleash slow --summary --watch 5"});
    return finding;
}

}  // namespace

std::vector<MissingIndex> missing_indexes(const Situation& situation) {
    std::vector<MissingIndex> all;
    for (const IndexFacts& facts : situation.evidence.indexes) {
        if (facts.existing || seconds_between(facts.last_seen, situation.now) > kRecent) {
            continue;
        }
        const auto known = std::find_if(all.begin(), all.end(), [&](const MissingIndex& index) {
            return index.database == facts.datname && index.table == facts.table &&
                   index.columns == facts.columns;
        });
        MissingIndex& index = known != all.end() ? *known : all.emplace_back();
        index.database = facts.datname;
        index.table = facts.table;
        index.columns = facts.columns;
        add(index, facts, situation);
    }
    std::vector<MissingIndex> found;
    for (MissingIndex& index : all) {
        index.cost = cost_of(situation, index.cost.seconds);
        if (is_worth_it(index) && !is_covered(index, all)) {
            found.push_back(index);
        }
    }
    std::stable_sort(found.begin(), found.end(), [](const MissingIndex& a, const MissingIndex& b) {
        return a.cost.seconds > b.cost.seconds;
    });
    return found;
}

std::vector<const SlowFacts*> indexed_meanwhile(const Situation& situation) {
    std::vector<const SlowFacts*> found;
    for (const IndexFacts& facts : situation.evidence.indexes) {
        if (facts.existing) {
            const auto slow = statements_of(facts, situation.evidence);
            found.insert(found.end(), slow.begin(), slow.end());
        }
    }
    return found;
}

void find_missing_indexes(const Situation& situation, Findings& findings) {
    for (const MissingIndex& index : missing_indexes(situation)) {
        findings.push_back(finding_of(index));
    }
}

}  // namespace leash::tool::plan
