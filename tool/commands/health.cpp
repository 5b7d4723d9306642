// health: for monitoring programs, as a plugin of Nagios and its kin.
#include <fmt/format.h>

#include "commands/commands.h"
#include "config/apply.h"
#include "health/document.h"
#include "health/nagios.h"
#include "health/read.h"
#include "health/settings.h"
#include "health/time_limit.h"
#include "render/csv.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

std::optional<double> value_of(const std::optional<Limit>& limit) {
    return limit ? std::optional(limit->value) : std::nullopt;
}

// What is said when no check could be made.
std::string text_without_checks(const Options& options, HealthStatus status,
                                const std::string& message) {
    return options.format == Format::kJson ? health_document(status, message)
                                           : nagios_line(status, message);
}

std::string csv_of(const std::vector<Check>& checks, bool for_terminal) {
    Dataset data{columns_of(Listing::kHealth), {}};
    const auto cell = [](const std::optional<double>& value) {
        return value ? Cell(fmt::format("{}", *value)) : Cell();
    };
    for (const Check& check : checks) {
        data.rows.push_back({check.name, word_of(check.status), cell(check.value),
                             cell(value_of(check.warning)), cell(value_of(check.critical)),
                             check.message});
    }
    return render_csv(data, for_terminal);
}

std::string text_of(const Options& options, const Terminal& terminal, const ServerInfo& server,
                    const std::vector<Check>& checks) {
    switch (options.format) {
        case Format::kJson:
            return health_document(server, checks);
        case Format::kCsv:
            return csv_of(checks, terminal.is_terminal);
        case Format::kTable:
            break;
    }
    return nagios_text(checks);
}

int check_server(const Options& options, const HealthSettings& settings, double seconds) {
    const std::unique_ptr<Source> source = open_source(options);
    try {
        const ServerInfo server = source->server();
        const std::vector<Check> checks = examined(read_checks(*source, server, seconds), settings);
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
