#include "commands/index_advice.h"

#include <algorithm>
#include <cstdlib>

#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "render/color.h"
#include "render/labelled.h"
#include "render/text.h"

namespace leash::tool {
namespace {

// Less is no reason to keep an index up to date.
constexpr double kGain = 0.9;

constexpr Column kColumns[] = {
    {.name = "table"},
    {.name = "columns"},
    {.name = "evidence"},
    {.name = "slow_statements", .kind = Kind::kCount},
    {.name = "total_time", .kind = Kind::kDuration},
    {.name = "rows_scanned", .kind = Kind::kCount},
    {.name = "rows_kept", .kind = Kind::kCount},
    {.name = "query_id"},
    {.name = "last_seen", .kind = Kind::kInstant},
    {.name = "seq_scan", .kind = Kind::kCount},
    {.name = "seq_tup_read", .kind = Kind::kCount},
    {.name = "idx_scan", .kind = Kind::kCount},
    {.name = "n_live_tup", .kind = Kind::kCount},
    {.name = "rows_written", .kind = Kind::kCount},
    {.name = "verdict"},
    {.name = "existing_index"},
    {.name = "covered_by"},
    {.name = "tried_query", .kind = Kind::kQuery},
    {.name = "cost_before", .kind = Kind::kReal},
    {.name = "cost_after", .kind = Kind::kReal},
    {.name = "index_size_bytes", .kind = Kind::kCount},
    {.name = "statement", .kind = Kind::kQuery},
    {.name = "risk"},
    {.name = "note"},
};
constexpr std::size_t kFacts = 14;

std::string fact(const IndexAdvice& advice, std::string_view name) {
    return cell_of({kColumns, {}}, advice.facts, name).value_or("0");
}

Cell text_or_null(std::string text) {
    return text.empty() ? Cell() : Cell(std::move(text));
}

std::string cost_text(double cost) {
    return fmt::format("{:.2f}", cost);
}

std::string size_text(const Cell& bytes) {
    const double size = std::strtod(bytes.value_or("0").c_str(), nullptr);
    constexpr double kKilo = 1024;
    if (size < kKilo * kKilo) {
        return fmt::format("{:.0f} kB", size / kKilo);
    }
    if (size < kKilo * kKilo * kKilo) {
        return fmt::format("{:.1f} MB", size / kKilo / kKilo);
    }
    return fmt::format("{:.1f} GB", size / kKilo / kKilo / kKilo);
}

// What a new index does to those who do not ask for it.
std::string risk_of(const IndexAdvice& advice) {
    if (verdict_of(advice) != IndexVerdict::kCreate) {
        return {};
    }
    const std::string written = fact(advice, "rows_written");
    return fmt::format(
        "writes get slower ({} row{} written so far), it takes {} of disk, and building it runs "
        "long: it reads the table twice and waits for open transactions",
        written, written == "1" ? "" : "s",
        advice.size ? "about " + size_text(advice.size) : "some");
}

std::string note_of(const IndexAdvice& advice) {
    switch (verdict_of(advice)) {
        case IndexVerdict::kExists:
            return fmt::format(
                "index {} begins with these columns, yet was not used: it may be younger than "
                "these statements; else run ANALYZE {} and look at the plan",
                advice.index->name, advice.table);
        case IndexVerdict::kInvalid:
            return fmt::format(
                "index {} begins with these columns but is not valid: it is being built, or that "
                "failed; then run REINDEX INDEX CONCURRENTLY {}",
                advice.index->name, advice.index->name);
        case IndexVerdict::kCovered:
            return fmt::format("the index on ({}), advised here too, serves it", advice.covered_by);
        case IndexVerdict::kNoGain:
            return "the planner would not gain from the index for such a value; look at the plans "
                   "of these statements (pg_leash.slow_plan_threshold)";
        case IndexVerdict::kCreate:
            break;
    }
    return advice.unknown;
}

std::string heading_of(std::size_t number, const IndexAdvice& advice, const TableStyle& style) {
    const std::string text = printable(fmt::format("{} ({})", advice.table, advice.columns),
                                       {.collapse_space = true, .ascii_only = style.ascii_only});
    return fmt::format("{}. {}\n", number, style.color ? painted(text, Paint::kBold) : text);
}

std::string cost_line(const IndexAdvice& advice) {
    if (!advice.cost_before) {
        return {};
    }
    if (!advice.cost_after) {
        return fmt::format("{} now", cost_text(*advice.cost_before));
    }
    return fmt::format("{} now, {} with the index", cost_text(*advice.cost_before),
                       cost_text(*advice.cost_after));
}

std::string evidence_of(const IndexAdvice& advice, const TableStyle& style) {
    const Cell evidence = cell_of({kColumns, {}}, advice.facts, "evidence");
    const Column instant{.name = "last_seen", .kind = Kind::kInstant};
    return fmt::format("{}{} in all, last seen {} ago", evidence ? *evidence + "; " : "",
                       duration_words(fact(advice, "total_time")),
                       table_cell(instant, Cell(fact(advice, "last_seen")), style));
}

std::string scans_of(const IndexAdvice& advice) {
    return fmt::format(
        "of {} rows: seq_scan {} (seq_tup_read {}), idx_scan {}, as pg_stat_user_tables counts",
        fact(advice, "n_live_tup"), fact(advice, "seq_scan"), fact(advice, "seq_tup_read"),
        fact(advice, "idx_scan"));
}

std::string card(std::size_t number, const IndexAdvice& advice, const TableStyle& style) {
    const auto shown = [&](const std::string& text) {
        return printable(text, {.collapse_space = true, .ascii_only = style.ascii_only});
    };
    std::string out = heading_of(number, advice, style);
    const auto add = [&](const char* label, const std::string& text) {
        if (!text.empty()) {
            out += labelled(label, shown(text), style.width);
        }
    };
    add("evidence", evidence_of(advice, style));
    add("scans", scans_of(advice));
    add("cost", cost_line(advice));
    add("of", advice.cost_before ? advice.query : "");
    add("note", note_of(advice));
    if (const std::string statement = create_statement(advice); !statement.empty()) {
        out += labelled("paste", printable(statement), 0);
        add("risk", risk_of(advice));
    }
    return out;
}

Row row_of(const IndexAdvice& advice) {
    const auto cost = [](const std::optional<double>& value) {
        return value ? Cell(cost_text(*value)) : Cell();
    };
    Row row = advice.facts;
    row.resize(kFacts);
    row.push_back(name_of(verdict_of(advice)));
    row.push_back(advice.index ? Cell(advice.index->name) : Cell());
    row.push_back(text_or_null(advice.covered_by));
    row.push_back(text_or_null(advice.query));
    row.push_back(cost(advice.cost_before));
    row.push_back(cost(advice.cost_after));
    row.push_back(advice.size);
    row.push_back(text_or_null(create_statement(advice)));
    row.push_back(text_or_null(risk_of(advice)));
    row.push_back(text_or_null(note_of(advice)));
    return row;
}

bool begins_with(const std::vector<std::string>& longer, const std::vector<std::string>& shorter) {
    return longer.size() > shorter.size() &&
           std::equal(shorter.begin(), shorter.end(), longer.begin());
}

}  // namespace

IndexVerdict verdict_of(const IndexAdvice& advice) {
    if (advice.index) {
        return advice.index->valid ? IndexVerdict::kExists : IndexVerdict::kInvalid;
    }
    if (!advice.covered_by.empty()) {
        return IndexVerdict::kCovered;
    }
    const bool tried = advice.cost_before && advice.cost_after;
    return tried && *advice.cost_after > kGain * *advice.cost_before ? IndexVerdict::kNoGain
                                                                     : IndexVerdict::kCreate;
}

const char* name_of(IndexVerdict verdict) {
    switch (verdict) {
        case IndexVerdict::kCreate:
            return "create";
        case IndexVerdict::kCovered:
            return "covered";
        case IndexVerdict::kExists:
            return "exists";
        case IndexVerdict::kInvalid:
            return "invalid";
        case IndexVerdict::kNoGain:
            return "no gain";
    }
    return "";
}

std::span<const Column> index_fact_columns() {
    return std::span(kColumns).first(kFacts);
}

std::optional<double> plan_cost(const std::string& explained) {
    const auto document = nlohmann::json::parse(explained, nullptr, false);
    const nlohmann::json::json_pointer path("/0/Plan/Total Cost");
    if (document.is_discarded() || !document.contains(path) || !document[path].is_number()) {
        return std::nullopt;
    }
    return document[path].get<double>();
}

void mark_covered(std::vector<IndexAdvice>& advice) {
    for (IndexAdvice& one : advice) {
        const std::vector<std::string> names = split_identifiers(one.columns);
        for (const IndexAdvice& other : advice) {
            if (other.table == one.table && verdict_of(other) == IndexVerdict::kCreate &&
                begins_with(split_identifiers(other.columns), names)) {
                one.covered_by = other.columns;
            }
        }
    }
}

std::string create_statement(const IndexAdvice& advice) {
    if (verdict_of(advice) != IndexVerdict::kCreate) {
        return {};
    }
    return fmt::format("CREATE INDEX CONCURRENTLY ON {} ({});", advice.table, advice.columns);
}

Dataset advice_rows(const std::vector<IndexAdvice>& advice) {
    Dataset data{kColumns, {}};
    for (const IndexAdvice& one : advice) {
        data.rows.push_back(row_of(one));
    }
    return data;
}

std::string advice_text(const std::vector<IndexAdvice>& advice, const TableStyle& style) {
    std::string out;
    for (std::size_t i = 0; i < advice.size(); ++i) {
        out += (i > 0 ? "\n" : "") + card(i + 1, advice[i], style);
    }
    return out;
}

}  // namespace leash::tool
