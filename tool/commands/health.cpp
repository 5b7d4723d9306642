// health: for monitoring programs, as a plugin of Nagios and its kin.
#include <cmath>

#include <fmt/format.h>

#include "commands/commands.h"
#include "config/apply.h"
#include "health/nagios.h"
#include "health/settings.h"
#include "health/time_limit.h"
#include "render/csv.h"
#include "render/json.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

// A transaction failed: it cannot go on.
constexpr const char* kInFailedTransaction = "25P02";

std::optional<double> value_of(const std::optional<Limit>& limit) {
    return limit ? std::optional(limit->value) : std::nullopt;
}

Json json_number(const std::optional<double>& value) {
    return value ? Json(*value) : Json(nullptr);
}

std::string lower(const char* word) {
    std::string out(word);
    for (char& c : out) {
        c = static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
    }
    return out;
}

Json json_checks(const std::vector<Check>& checks) {
    Json list = Json::array();
    for (const Check& check : checks) {
        list.push_back({{"check", check.name},
                        {"status", lower(name_of(check.status))},
                        {"value", json_number(check.value)},
                        {"warning", json_number(value_of(check.warning))},
                        {"critical", json_number(value_of(check.critical))},
                        {"message", check.message}});
    }
    return list;
}

Json json_head_of(const ServerInfo* server, HealthStatus status, const std::string& message) {
    Json document;
    document["schema_version"] = kJsonSchemaVersion;
    document["command"] = "health";
    document["generated_at"] = server == nullptr ? Json(nullptr) : Json(server->now);
    document["server"] = server == nullptr ? Json(nullptr) : server_json(*server);
    document["status"] = lower(name_of(status));
    document["message"] = message;
    return document;
}

// What is said when no check could be made.
std::string text_without_checks(const Options& options, HealthStatus status,
                                const std::string& message) {
    if (options.format != Format::kJson) {
        return nagios_line(status, message);
    }
    Json document = json_head_of(nullptr, status, message);
    document["checks"] = Json::array();
    return json_text(document, false);
}

std::string csv_of(const std::vector<Check>& checks, bool for_terminal) {
    Dataset data{columns_of(Listing::kHealth), {}};
    const auto cell = [](const std::optional<double>& value) {
        return value ? Cell(fmt::format("{}", *value)) : Cell();
    };
    for (const Check& check : checks) {
        data.rows.push_back({check.name, lower(name_of(check.status)), cell(check.value),
                             cell(value_of(check.warning)), cell(value_of(check.critical)),
                             check.message});
    }
    return render_csv(data, for_terminal);
}

std::string text_of(const Options& options, const Terminal& terminal, const ServerInfo& server,
                    const std::vector<Check>& checks) {
    switch (options.format) {
        case Format::kJson: {
            const std::string message =
                checks.empty() ? "there is nothing to check" : checks.front().message;
            Json document = json_head_of(&server, worst_of(checks), message);
            document["checks"] = json_checks(checks);
            return json_text(document, false);
        }
        case Format::kCsv:
            return csv_of(checks, terminal.is_terminal);
        case Format::kTable:
            break;
    }
    return nagios_text(checks);
}

// The server must not go on with what nobody waits for.  In a transaction, so that no
// pooler hands the setting on to somebody else.
void limit_statements(Connection& connection, double seconds) {
    connection.run("BEGIN");
    connection.run(Query{"SELECT pg_catalog.set_config('statement_timeout', $1, true)",
                         {fmt::format("{:.0f}", std::ceil(seconds * 1000))}});
}

Dataset read_checks(Source& source, const ServerInfo& server, double seconds) {
    const Selection selection{.listing = Listing::kHealth};
    if (server.over_control_socket) {
        return source.rows(selection);
    }
    limit_statements(source.connection(), seconds);
    try {
        return source.rows(selection);
    } catch (const QueryError& error) {
        source.connection().run("ROLLBACK");
        if (error.sqlstate() != kInFailedTransaction) {
            throw;
        }
    }
    return source.rows(selection);  // some text had to be asked for in another encoding
}

int check_server(const Options& options, const HealthSettings& settings, double seconds) {
    const std::unique_ptr<Source> source = open_source(options);
    try {
        const ServerInfo server = source->server();
        const std::vector<Check> checks =
            examined(checks_of(read_checks(*source, server, seconds)), settings);
        write_output(text_of(options, detect_terminal(options.color), server, checks));
        return static_cast<int>(worst_of(checks));
    } catch (const QueryError& error) {
        throw source->explain(error, Purpose::kReading);
    }
}

int report(const Options& options, HealthStatus status, const std::string& message) {
    write_output(text_without_checks(options, status, message));
    return static_cast<int>(status);
}

}  // namespace

int run_health(const Options& options) {
    Options own = options;
    if (own.connection.prompt == PasswordPrompt::kWhenAsked) {
        own.connection.prompt = PasswordPrompt::kNever;  // nobody is there to be asked
    }
    try {
        apply_settings(own);
        const HealthSettings& settings = own.health;
        const double seconds = settings.timeout_seconds.value_or(kDefaultTimeoutSeconds);
        const std::string last_words = text_without_checks(
            options, HealthStatus::kUnknown, fmt::format("no answer within {} s", seconds));
        limit_time(seconds, last_words, static_cast<int>(HealthStatus::kUnknown));
        return check_server(own, settings, seconds);
    } catch (const ServerFull& full) {
        return report(options, HealthStatus::kCritical, full.what());
    } catch (const std::exception& error) {
        return report(options, HealthStatus::kUnknown, error.what());
    }
}

}  // namespace leash::tool
