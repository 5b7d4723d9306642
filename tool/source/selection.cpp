#include "source/selection.h"

#include <algorithm>
#include <cstdlib>
#include <ctime>
#include <map>
#include <set>

#include <arpa/inet.h>
#include <fmt/format.h>
#include <nlohmann/json.hpp>

#include "core/cidr.h"
#include "core/mask.h"
#include "core/names.h"
#include "core/pooler_name.h"
#include "render/instant.h"
#include "render/table.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr std::size_t kNone = static_cast<std::size_t>(-1);

// Rows with their columns, which are looked up once.
class View {
public:
    explicit View(const RawRows& raw) : raw_(raw) {}

    std::size_t find(std::string_view name) const {
        const auto at = std::find(raw_.columns.begin(), raw_.columns.end(), name);
        return at == raw_.columns.end() ? kNone
                                        : static_cast<std::size_t>(at - raw_.columns.begin());
    }

    Cell cell(const Row& row, std::string_view name) const {
        const std::size_t at = find(name);
        return at < row.size() ? row[at] : std::nullopt;
    }

private:
    const RawRows& raw_;
};

// The worker is on this machine, and its clock is ours.
std::int64_t now_us() {
    timespec now{};
    clock_gettime(CLOCK_REALTIME, &now);
    return std::int64_t{now.tv_sec} * 1'000'000 + now.tv_nsec / 1000;
}

double number(const Cell& cell) {
    return cell ? std::strtod(cell->c_str(), nullptr) : 0;
}

double seconds(std::int64_t us) {
    return static_cast<double>(us) / 1e6;
}

// Sessions that have been idle for at least so long.
std::set<std::string> idle_sessions(const RawRows& sessions, std::int64_t min_idle_us) {
    const View view(sessions);
    std::set<std::string> idle;
    for (const Row& row : sessions.rows) {
        const Cell idle_for = view.cell(row, "idle_for");
        if (idle_for && number(idle_for) >= seconds(min_idle_us)) {
            idle.insert(view.cell(row, "session_id").value_or(""));
        }
    }
    return idle;
}

class Conditions {
public:
    Conditions(const RawRows& raw, const Selection& selection, const RawRows& sessions)
        : view_(raw), selection_(selection) {
        if (needs_sessions(selection)) {
            idle_ = idle_sessions(sessions, *selection.filters.min_idle_us);
        }
    }

    bool hold_for(const Row& row) const {
        return is_wanted_by_name(row) && is_wanted_by_state(row) && is_wanted_by_age(row) &&
               is_wanted_decision(row);
    }

private:
    bool is_wanted_by_name(const Row& row) const {
        const Filters& filters = selection_.filters;
        const Cell application = view_.cell(row, "application_name");
        const Cell address = view_.cell(row, "client_addr");
        return (!filters.app || (application && matches_glob(*filters.app, *application))) &&
               (!filters.user || view_.cell(row, "usename") == *filters.user) &&
               (!filters.db || view_.cell(row, "datname") == *filters.db) &&
               (!filters.address ||
                (filters.address == "local" ? !address
                                            : address && lies_in(*address, *filters.address))) &&
               (!filters.pid || view_.cell(row, "pid") == std::to_string(*filters.pid));
    }

    bool is_wanted_by_state(const Row& row) const {
        const Filters& filters = selection_.filters;
        return (!filters.state || view_.cell(row, "state") == *filters.state) &&
               (!selection_.only_leaked || view_.cell(row, "leaked") == "t");
    }

    bool is_wanted_by_age(const Row& row) const {
        const Filters& filters = selection_.filters;
        if (filters.min_duration_us &&
            number(view_.cell(row, "duration")) < seconds(*filters.min_duration_us)) {
            return false;
        }
        if (!filters.min_idle_us) {
            return true;
        }
        if (needs_sessions(selection_)) {
            return idle_.contains(view_.cell(row, "session_id").value_or(""));
        }
        const Cell idle_for = view_.cell(row, "idle_for");
        return idle_for && number(idle_for) >= seconds(*filters.min_idle_us);
    }

    bool is_wanted_decision(const Row& row) const {
        const Filters& filters = selection_.filters;
        const Cell policy = view_.cell(row, "policy");
        const std::string outcome = view_.cell(row, "outcome").value_or("");
        if ((filters.policy && !(policy && matches_glob(*filters.policy, *policy))) ||
            (filters.outcome && outcome != *filters.outcome &&
             !outcome.starts_with(*filters.outcome + ":"))) {
            return false;
        }
        const auto decided = parse_instant(view_.cell(row, "decided_at").value_or(""));
        return !filters.since_us || (decided && *decided >= now_us() - *filters.since_us);
    }

    const View view_;
    const Selection& selection_;
    std::set<std::string> idle_;
};

int rank_of(const Cell& weight) {
    int rank = 0;
    for (const Weight known : {Weight::blocks_others, Weight::holds_back_xmin, Weight::holds_locks,
                               Weight::holds_a_slot}) {
        if (weight == name_of(known)) {
            return rank;
        }
        rank++;
    }
    return rank;
}

// --- groups ------------------------------------------------------------------------

// What differs in data alone, or by a pooler's host, is one cause, as in SQL.
std::string masked(const std::string& statement) {
    std::string out(statement.size() + 3, '\0');
    out.resize(mask_literals(statement.data(), statement.size(), {false}, out.data(), out.size()));
    return out;
}

Cell key_cell(const std::string& name, Cell cell) {
    if (cell && name == "opener") {
        return masked(*cell);
    }
    if (cell && name == "application_name") {
        cell->resize(length_without_host(cell->c_str()));
    }
    return cell;
}

constexpr double kHour = 3600;  // seconds

std::string route_of(const Cell& tags) {
    const auto object = nlohmann::json::parse(tags.value_or(""), nullptr, false);
    const auto route = object.is_object() ? object.find("route") : object.end();
    return object.is_object() && route != object.end() && route->is_string()
               ? route->get<std::string>()
               : std::string();
}

Cell most_frequent(const std::map<std::string, long>& counts) {
    const auto most =
        std::max_element(counts.begin(), counts.end(),
                         [](const auto& a, const auto& b) { return a.second < b.second; });
    return most == counts.end() ? Cell() : Cell(most->first);
}

RawRows groups_of(const RawRows& leaks) {
    const View view(leaks);
    struct Group {
        long sessions = 0;
        double blocked = 0;
        Cell oldest;
        Cell weight;
        long last_hour = 0;
        std::map<std::string, long> last_statements;
        std::map<std::string, long> routes;
    };
    const std::vector<std::string> keys = {"kind",    "application_name", "usename",
                                           "datname", "opener",           "leaked"};
    std::map<Row, Group> groups;
    for (const Row& row : leaks.rows) {
        Row key;
        for (const std::string& name : keys) {
            key.push_back(key_cell(name, view.cell(row, name)));
        }
        Group& group = groups[key];
        const Cell age = view.cell(row, "leaked_for");
        const Cell weight = view.cell(row, "weight");
        group.sessions++;
        group.last_hour += age && number(age) <= kHour ? 1 : 0;
        if (const Cell last = view.cell(row, "last_statement")) {
            group.last_statements[masked(*last)]++;
        }
        if (const std::string route = route_of(view.cell(row, "tags")); !route.empty()) {
            group.routes[route]++;
        }
        group.blocked += number(view.cell(row, "blocked_sessions"));
        if (!group.oldest || number(age) > number(group.oldest)) {
            group.oldest = age;
        }
        if (!group.weight || rank_of(weight) < rank_of(group.weight)) {
            group.weight = weight;
        }
    }
    RawRows out;
    out.columns = keys;
    for (const char* name : {"sessions", "blocked_sessions", "oldest", "weight", "last_statement",
                             "last_hour", "route"}) {
        out.columns.emplace_back(name);
    }
    for (const auto& [key, group] : groups) {
        Row row = key;
        row.insert(row.end(), {std::to_string(group.sessions), fmt::format("{:.0f}", group.blocked),
                               group.oldest, group.weight, most_frequent(group.last_statements),
                               std::to_string(group.last_hour), most_frequent(group.routes)});
        out.rows.push_back(std::move(row));
    }
    return out;
}

// --- order -------------------------------------------------------------------------

bool is_numeric(Kind kind) {
    return kind == Kind::kCount || kind == Kind::kReal || kind == Kind::kDuration;
}

// Sorts by one column, nulls last; rows that are equal stay in the order they had.
void sort_by(RawRows& data, std::string_view name, bool numeric, bool descending) {
    const std::size_t at = View(data).find(name);
    if (at == kNone) {
        return;
    }
    const auto before = [&](const Row& a, const Row& b) {
        if (!a[at] || !b[at]) {
            return a[at].has_value() && !b[at].has_value();
        }
        const Row& first = descending ? b : a;
        const Row& second = descending ? a : b;
        return numeric ? number(first[at]) < number(second[at]) : *first[at] < *second[at];
    };
    std::stable_sort(data.rows.begin(), data.rows.end(), before);
}

void sort_by_weight(RawRows& data) {
    const std::size_t at = View(data).find("weight");
    if (at != kNone) {
        std::stable_sort(data.rows.begin(), data.rows.end(), [&](const Row& a, const Row& b) {
            return rank_of(a[at]) < rank_of(b[at]);
        });
    }
}

// The order of a listing, its least important criterion first.
void sort_by_default(RawRows& data, Listing listing) {
    switch (listing) {
        case Listing::kSessions: {
            sort_by(data, "session_id", false, false);
            sort_by(data, "idle_for", true, true);
            const std::size_t leak = View(data).find("leak");
            std::stable_partition(data.rows.begin(), data.rows.end(), [&](const Row& row) {
                return leak < row.size() && row[leak].has_value();
            });
            break;
        }
        case Listing::kLeaks:
            sort_by(data, "session_id", false, false);
            sort_by(data, "leaked_for", true, true);
            sort_by(data, "leaked", false, true);
            sort_by_weight(data);
            break;
        case Listing::kLeakGroups:
            sort_by(data, "oldest", true, true);
            sort_by(data, "sessions", true, true);
            sort_by(data, "leaked", false, true);
            sort_by_weight(data);
            break;
        case Listing::kSlow:
            sort_by(data, "finished_at", false, true);
            break;
        default:  // as it came
            break;
    }
}

// --- columns -----------------------------------------------------------------------

// Columns that are made of others, as their expressions in SQL say.
Cell value_of(const View& view, const Row& row, const Column& column) {
    const std::string_view name = column.name;
    if (view.find(name) != kNone) {
        return view.cell(row, name);
    }
    if (name == "state_for") {
        const Cell statement = view.cell(row, "statement_for");
        return statement ? statement : view.cell(row, "idle_for");
    }
    if (name == "verdict") {
        const Cell leak = view.cell(row, "leak");
        const Cell exempt = view.cell(row, "exempt");
        return leak || !exempt ? leak : Cell("exempt: " + *exempt);
    }
    if (name == "cause") {
        const Cell opener = view.cell(row, "opener");
        const Cell last = view.cell(row, "last_statement");
        return opener || !last ? opener : Cell("last: " + *last);
    }
    if (name == "decider") {
        const Cell policy = view.cell(row, "policy");
        const Cell by = view.cell(row, "by");
        return policy || !by ? policy : Cell("by " + *by);
    }
    return std::nullopt;
}

}  // namespace

bool needs_sessions(const Selection& selection) {
    return selection.filters.min_idle_us && selection.listing != Listing::kSessions;
}

Dataset select_rows(const RawRows& raw, const Selection& selection, const RawRows& sessions) {
    const Conditions conditions(raw, selection, sessions);
    RawRows data{raw.columns, {}};
    std::copy_if(raw.rows.begin(), raw.rows.end(), std::back_inserter(data.rows),
                 [&](const Row& row) { return conditions.hold_for(row); });
    if (selection.listing == Listing::kLeakGroups) {
        data = groups_of(data);
    }
    sort_by_default(data, selection.listing);
    if (const auto& sort = selection.filters.sort) {
        sort_by(data, sort->column->name, is_numeric(sort->column->kind), sort->descending);
    }
    if (const auto& limit = selection.filters.limit;
        limit && static_cast<std::size_t>(*limit) < data.rows.size()) {
        data.rows.resize(static_cast<std::size_t>(*limit));
    }
    const View view(data);
    Dataset out{selection.wanted(), {}};
    for (const Row& row : data.rows) {
        Row& cells = out.rows.emplace_back();
        for (const Column& column : selection.wanted()) {
            cells.push_back(value_of(view, row, column));
        }
    }
    return out;
}

// Backtracks to the last * only, and so stays quadratic at worst.
bool matches_glob(std::string_view glob, std::string_view text) {
    std::size_t g = 0;
    std::size_t t = 0;
    std::size_t star = kNone;
    std::size_t resume = 0;
    while (t < text.size()) {
        const bool escaped = g + 1 < glob.size() && glob[g] == '\\';
        if (g < glob.size() && glob[g] == '*') {
            star = ++g;
            resume = t;
        } else if (g < glob.size() && glob[g] == '?') {
            g++;
            t += decode_utf8(text, t).length;
        } else if (g < glob.size() && glob[escaped ? g + 1 : g] == text[t]) {
            g += escaped ? 2 : 1;
            t++;
        } else if (star != kNone) {
            g = star;
            t = resume += decode_utf8(text, resume).length;
        } else {
            return false;
        }
    }
    return glob.find_first_not_of('*', g) == std::string_view::npos;
}

bool lies_in(const std::string& address, const std::string& network) {
    const auto read = [](const std::string& text, std::uint8_t* bytes) -> std::uint8_t {
        return inet_pton(AF_INET, text.c_str(), bytes) == 1    ? 4
               : inet_pton(AF_INET6, text.c_str(), bytes) == 1 ? 6
                                                               : 0;
    };
    const std::size_t slash = network.find('/');
    Address host{};
    Network wanted{};
    host.family = read(address, host.bytes);
    wanted.family = read(network.substr(0, slash), wanted.bytes);
    wanted.prefix = wanted.family == 4 ? 32 : 128;
    if (slash != std::string::npos) {
        wanted.prefix = static_cast<std::uint8_t>(std::atoi(network.substr(slash + 1).c_str()));
    }
    return host.family != 0 && contains(wanted, host);
}

}  // namespace leash::tool
