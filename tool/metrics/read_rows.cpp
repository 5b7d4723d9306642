#include "metrics/read_rows.h"

#include <algorithm>
#include <cstdlib>
#include <tuple>

#include "core/pooler_name.h"
#include "render/text.h"

namespace leash::tool {
namespace {

constexpr Column kSessionColumns[] = {
    {.name = "datname"},
    {.name = "usename"},
    {.name = "application_name"},
    {.name = "state"},
    {.name = "idle_for", .kind = Kind::kDuration},
    {.name = "xact_for", .kind = Kind::kDuration},
};

constexpr Column kLeakColumns[] = {
    {.name = "datname"},
    {.name = "usename"},
    {.name = "application_name"},
    {.name = "kind"},
    {.name = "state"},
    {.name = "leaked", .kind = Kind::kBoolean},
    {.name = "blocked_sessions", .kind = Kind::kCount},
};

// A row with the names of its columns.
class Named {
public:
    Named(const Dataset& data, const Row& row) : data_(data), row_(row) {}

    Cell cell(const char* name) const { return cell_of(data_, row_, name); }
    std::string text(const char* name) const { return valid_utf8(cell(name).value_or("")); }
    std::optional<double> number(const char* name) const {
        const Cell value = cell(name);
        return value ? std::optional(std::strtod(value->c_str(), nullptr)) : std::nullopt;
    }
    std::optional<std::int64_t> count(const char* name) const {
        const Cell value = cell(name);
        return value ? std::optional<std::int64_t>(std::strtoll(value->c_str(), nullptr, 10))
                     : std::nullopt;
    }
    Origin origin() const {
        std::string application = cell("application_name").value_or("");
        application.resize(length_without_host(application.c_str()));
        return {text("datname"), text("usename"), valid_utf8(application)};
    }

private:
    const Dataset& data_;
    const Row& row_;
};

std::optional<double> larger(const std::optional<double>& a, const std::optional<double>& b) {
    return a && b ? std::optional(std::max(*a, *b)) : a ? a : b;
}

void sample_slots(Source& source, MetricsSample& sample) {
    const Dataset data = source.rows({.listing = Listing::kConnections});
    if (data.rows.empty()) {
        return;
    }
    const Named row(data, data.rows.front());
    SlotLevels& slots = sample.slots;
    slots.max = row.count("max_connections");
    slots.reserved = row.count("reserved");
    slots.superuser_reserved = slots.reserved;  // what of it is for superusers is not told
    slots.used = row.count("used");
    slots.authenticating = row.count("authenticating");
    slots.opened = row.count("opened_total");
    for (const std::string reason : {"too_many_clients", "reserved_slots", "role_limit",
                                     "database_limit", "authentication", "unavailable"}) {
        if (const auto refused = row.count(("refused_" + reason).c_str())) {
            slots.refused[reason] = *refused;
        }
    }
}

void sample_sessions(Source& source, MetricsSample& sample) {
    const Dataset data = source.rows({.listing = Listing::kSessions, .columns = kSessionColumns});
    std::map<std::pair<Origin, std::string>, SessionGroup> groups;
    for (const Row& cells : data.rows) {
        const Named row(data, cells);
        const Origin of = row.origin();
        const std::string state = row.cell("state").value_or("unknown");
        SessionGroup& group = groups[{of, state}];
        group.of = of;
        group.state = state;
        group.sessions++;
        group.idle_max = larger(group.idle_max, row.number("idle_for"));
        group.xact_max = larger(group.xact_max, row.number("xact_for"));
    }
    for (auto& [key, group] : groups) {
        sample.sessions.push_back(std::move(group));
    }
}

void sample_leaks(Source& source, MetricsSample& sample) {
    const Dataset data = source.rows({.listing = Listing::kLeaks, .columns = kLeakColumns});
    sample.knows_blocked = true;
    for (const Row& cells : data.rows) {
        const Named row(data, cells);
        if (row.text("leaked") == "t") {
            sample.leaks.push_back({row.origin(), row.text("kind"), 1});
        }
        const std::int64_t blocked = row.count("blocked_sessions").value_or(0);
        if (blocked > 0 && row.text("state").starts_with("idle")) {
            sample.blocked.push_back({row.origin(), blocked});
        }
    }
}

}  // namespace

MetricsSample sample_rows(Source& source, const ServerInfo& server) {
    MetricsSample sample;
    sample.server_version = server.version;
    sample.extension_version = server.extension_version.value_or("");
    sample_slots(source, sample);
    sample_sessions(source, sample);
    sample_leaks(source, sample);
    return sample;
}

}  // namespace leash::tool
