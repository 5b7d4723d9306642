// config show: each setting, its value and who said so.
#include <fmt/format.h>
#include <fmt/ranges.h>

#include "commands/commands.h"
#include "config/apply.h"
#include "policy/row.h"
#include "render/csv.h"
#include "render/json.h"
#include "render/table.h"

namespace leash::tool {
namespace {

constexpr Column kColumns[] = {
    {.name = "setting", .header = "SETTING"}, {.name = "value", .header = "VALUE", .min_width = 20},
    {.name = "origin", .header = "ORIGIN"},   {.name = "fallback", .header = nullptr},
    {.name = "variable", .header = nullptr},
};

constexpr const char* kCommandLine = "command line";

struct Effective {
    std::string value;
    std::string origin;
};

const char* name_of(Format format) {
    return format == Format::kJson ? "json" : format == Format::kCsv ? "csv" : "table";
}

const char* name_of(ColorChoice color) {
    return color == ColorChoice::kAlways  ? "always"
           : color == ColorChoice::kNever ? "never"
                                          : "auto";
}

// What the options say, of those that a setting stands in for.
std::optional<std::string> given(const Options& options, std::string_view key) {
    const ChosenThresholds& chosen = options.thresholds;
    const auto duration = [](const std::optional<std::int64_t>& threshold) {
        return threshold ? std::optional(exact_duration(*threshold)) : std::nullopt;
    };
    if (key == "dsn" && options.connection.dbname) {
        return without_passwords(*options.connection.dbname);
    }
    if (key == "format" && options.format_given) {
        return name_of(options.format);
    }
    if (key == "color" && options.color_given) {
        return name_of(options.color);
    }
    return key == "agentless.idle_threshold"                  ? duration(chosen.idle)
           : key == "agentless.never_used_threshold"          ? duration(chosen.never_used)
           : key == "agentless.idle_in_transaction_threshold" ? duration(chosen.idle_in_transaction)
           : key == "agentless.stalled_client_threshold"      ? duration(chosen.stalled_client)
           : key == "agentless.slow_statement_threshold"      ? duration(chosen.slow_statement)
                                                              : std::nullopt;
}

Effective effective(const Settings& settings, const Options& options, const Setting& setting) {
    if (const auto text = given(options, setting.key)) {
        return {*text, kCommandLine};
    }
    const SettingValue* value = settings.find(setting.key);
    if (value == nullptr) {
        return {std::string(setting.fallback), "default"};
    }
    return {setting.key == "dsn" ? without_passwords(value->text) : value->text, value->origin};
}

void add(Dataset& data, const std::string& key, const Effective& what, const Setting& setting,
         const std::string& variable) {
    const Cell fallback = setting.fallback.empty() ? Cell() : Cell(std::string(setting.fallback));
    data.rows.push_back(
        {key, what.value.empty() ? Cell() : Cell(what.value), what.origin, fallback, variable});
}

// Of a check's limits, which are the server's, those that somebody has set.
void add_names(Dataset& data, const Settings& settings, const Setting& setting) {
    for (const SettingValue& value : settings.values()) {
        if (value.setting == &setting && settings.find(value.key) == &value) {
            add(data, value.key, {value.text, value.origin}, setting, variable_of(value.key));
        }
    }
}

Dataset dataset_of(const Settings& settings, const Options& options) {
    Dataset data{kColumns, {}};
    for (const Setting& setting : registry()) {
        if (setting.key.ends_with('*')) {
            add_names(data, settings, setting);
        } else {
            add(data, std::string(setting.key), effective(settings, options, setting), setting,
                variable_of(setting.key));
        }
    }
    return data;
}

std::string json_of(const Settings& settings, const Dataset& data) {
    nlohmann::ordered_json document;
    document["schema_version"] = kJsonSchemaVersion;
    document["command"] = "config show";
    document["files"] = settings.files();
    document["rows"] = json_rows(data);
    return json_text(document, false);
}

void tell_files(const Settings& settings) {
    const std::vector<std::string> places = Config::places();
    if (!settings.files().empty()) {
        write_note(fmt::format("read: {}", fmt::join(settings.files(), ", ")));
    } else if (!places.empty()) {
        write_note(
            fmt::format("there is no file of settings; looked for {}", fmt::join(places, ", ")));
    }
}

}  // namespace

int run_config_show(const Options& options) {
    const Settings settings = Settings::load();
    for (const std::string& warning : settings.warnings()) {
        write_warning(warning);
    }
    const Dataset data = dataset_of(settings, options);
    Options shown = options;
    apply_settings(settings, shown);
    const Terminal terminal = detect_terminal(shown.color);
    switch (shown.format) {
        case Format::kJson:
            write_output(json_of(settings, data));
            break;
        case Format::kCsv:
            write_output(render_csv(data, terminal.is_terminal));
            break;
        case Format::kTable: {
            TableStyle style;
            style.width = terminal.width;
            style.color = terminal.color;
            style.ascii_only = terminal.ascii_only;
            write_output(render_table(data, style));
            tell_files(settings);
            break;
        }
    }
    return kExitDone;
}

}  // namespace leash::tool
