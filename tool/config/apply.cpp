#include "config/apply.h"

#include <algorithm>
#include <cstdlib>

#include "cli/values.h"
#include "health/settings.h"
#include "render/terminal.h"

namespace leash::tool {
namespace {

constexpr const char* kConnectionVariables[] = {"PGHOST", "PGHOSTADDR", "PGPORT", "PGDATABASE",
                                                "PGSERVICE"};

bool is_set(const char* variable) {
    const char* value = std::getenv(variable);
    return value != nullptr && value[0] != '\0';
}

// Pages, files and what monitoring programs read have formats of their own.
bool lists_rows(Command command) {
    switch (command) {
        case Command::kPlan:
        case Command::kReport:
        case Command::kSnapshotSave:
        case Command::kHealth:
        case Command::kMetrics:
        case Command::kServe:
        case Command::kPolicyShow:
            return false;
        default:
            return true;
    }
}

// Some commands have no CSV, as they say where it is asked for by option.
bool has_csv(const Options& options) {
    return options.command != Command::kAdvise && !options.watch_seconds;
}

void apply_format(const Settings& settings, Options& options) {
    const SettingValue* format = settings.find("format");
    if (format == nullptr || options.format_given || !lists_rows(options.command)) {
        return;
    }
    const Format wanted = format_value(format->text);
    if (wanted != Format::kCsv || has_csv(options)) {
        options.format = wanted;
    }
}

}  // namespace

bool uses_dsn(const SettingValue& dsn, const ConnectionOptions& connection) {
    if (connection.host || connection.dbname || dsn.text.empty()) {
        return false;
    }
    return !dsn.from_file ||
           std::none_of(std::begin(kConnectionVariables), std::end(kConnectionVariables), is_set);
}

void apply_settings(const Settings& settings, Options& options) {
    apply_format(settings, options);
    if (const SettingValue* color = settings.find("color");
        color != nullptr && !options.color_given) {
        options.color = color_value(color->text);
    }
    if (const SettingValue* dsn = settings.find("dsn");
        dsn != nullptr && uses_dsn(*dsn, options.connection)) {
        options.connection.dsn = dsn->text;
    }
    if (const SettingValue* top = settings.find("metrics.top");
        top != nullptr && !options.top_given) {
        options.metrics.top_applications = static_cast<std::size_t>(top->number);
    }
    options.thresholds = merged(options.thresholds, chosen_thresholds(settings));
    options.health = merged(health_settings(settings), options.health);
    options.serve = merged(serve_choices(settings), options.serve);
}

void apply_settings(Options& options) {
    const Settings settings = Settings::load();
    for (const std::string& warning : settings.warnings()) {
        write_warning(warning);
    }
    apply_settings(settings, options);
}

}  // namespace leash::tool
