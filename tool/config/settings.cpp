#include "config/settings.h"

#include <algorithm>
#include <cctype>
#include <charconv>
#include <memory>
#include <optional>
#include <set>

#include <libpq-fe.h>
#include <unistd.h>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/suggest.h"
#include "core/duration.h"
#include "failure.h"
#include "health/checks.h"
#include "serve/listen_address.h"

namespace leash::tool {
namespace {

constexpr std::string_view kPrefix = "PGLEASH_";
constexpr std::string_view kFileVariable = "PGLEASH_CONFIG";

using Conninfo = std::unique_ptr<PQconninfoOption, decltype(&PQconninfoFree)>;

bool is_connection_string(std::string_view dsn) {
    return dsn.find('=') != std::string_view::npos || dsn.starts_with("postgresql://") ||
           dsn.starts_with("postgres://");
}

// libpq's own words could repeat a password, so they are not kept.
Conninfo parsed_dsn(const std::string& dsn) {
    char* message = nullptr;
    Conninfo parts(PQconninfoParse(dsn.c_str(), &message), &PQconninfoFree);
    PQfreemem(message);
    return parts;
}

bool is_limit(const std::string& text) {
    try {
        parse_limit_value(HealthStatus::kWarning, "", "", text);
        return true;
    } catch (const Failure&) {
        return false;
    }
}

bool is_address(const std::string& text) {
    try {
        parse_listen_address("", text);
        return true;
    } catch (const Failure&) {
        return false;
    }
}

bool has_word(std::string_view words, std::string_view word) {
    return !word.empty() && word.find(' ') == std::string_view::npos &&
           (' ' + std::string(words) + ' ').find(' ' + std::string(word) + ' ') !=
               std::string::npos;
}

// Whether the text, which has the right type, makes sense; sets number.
bool is_sensible(SettingValue& value) {
    const Setting& setting = *value.setting;
    switch (setting.type) {
        case SettingType::kText:
            return !is_connection_string(value.text) || parsed_dsn(value.text) != nullptr;
        case SettingType::kChoice:
            return has_word(setting.words, value.text);
        case SettingType::kDuration: {
            const ParsedDuration parsed = parse_duration(value.text);
            value.number = parsed.microseconds;
            return parsed.ok() && (setting.may_be_zero || parsed.microseconds > 0);
        }
        case SettingType::kTexts:
            return true;
        case SettingType::kLimit:
            return is_limit(value.text);
        case SettingType::kAddress:
            return is_address(value.text);
        case SettingType::kCount: {
            const char* const end = value.text.data() + value.text.size();
            const auto [rest, error] = std::from_chars(value.text.data(), end, value.number);
            return error == std::errc() && rest == end && value.number > 0;
        }
    }
    return false;
}

// --- files -------------------------------------------------------------------------

class FileReader {
public:
    explicit FileReader(std::vector<SettingValue>& values) : values_(values) {}

    void read(const Config& file) { read_table(file.root(), ""); }

private:
    // Those whose keys begin with prefix, which is empty or ends with a dot.
    void read_table(ConfigTable table, const std::string& prefix) {
        std::set<std::string> tables;
        for (const Setting& setting : registry()) {
            if (!setting.key.starts_with(prefix)) {
                continue;
            }
            const std::string rest(setting.key.substr(prefix.size()));
            const std::size_t dot = rest.find('.');
            if (rest == "*") {
                for (const std::string& key : table.keys()) {
                    read_value(table, setting, prefix, key);
                }
            } else if (dot == std::string::npos) {
                read_value(table, setting, prefix, rest);
            } else if (const std::string name = rest.substr(0, dot); tables.insert(name).second) {
                read_table(table.table(name), prefix + name + '.');
            }
        }
        table.refuse_others();
    }

    // nullopt: it is not there.
    static std::optional<std::string> text_of(ConfigTable& table, const Setting& setting,
                                              const std::string& key) {
        const bool is_number = setting.type == SettingType::kCount ||
                               (setting.type == SettingType::kLimit && !table.is_text(key));
        if (is_number) {
            const auto number = table.number(key);
            return number ? std::optional(fmt::format("{}", *number)) : std::nullopt;
        }
        if (setting.type == SettingType::kDuration) {
            table.duration(key);  // its words for what is no duration
        }
        return table.text(key);
    }

    void read_value(ConfigTable& table, const Setting& setting, const std::string& prefix,
                    const std::string& key) {
        SettingValue value{.setting = &setting, .key = prefix + key, .from_file = true};
        if (setting.type == SettingType::kTexts) {
            const auto items = table.texts(key);
            if (!items) {
                return;
            }
            value.items = *items;
            value.text = fmt::format("{}", fmt::join(value.items, ", "));
        } else {
            const auto text = text_of(table, setting, key);
            if (!text) {
                return;
            }
            value.text = *text;
        }
        if (!is_sensible(value)) {
            table.refuse(key, wanted_of(setting));
        }
        value.place = table.place(key);
        value.origin = value.place.substr(0, value.place.rfind(':'));
        values_.push_back(std::move(value));
    }

    std::vector<SettingValue>& values_;
};

// --- variables ---------------------------------------------------------------------

std::vector<std::string> split(const std::string& text) {
    std::vector<std::string> items;
    for (std::size_t at = 0; at <= text.size();) {
        const std::size_t end = std::min(text.find(',', at), text.size());
        std::string item = text.substr(at, end - at);
        item.erase(0, item.find_first_not_of(' '));
        item.erase(item.find_last_not_of(' ') + 1);
        if (!item.empty()) {
            items.push_back(std::move(item));
        }
        at = end + 1;
    }
    return items;
}

// The setting that a variable is for, and its key.
const Setting* setting_of(const std::string& variable, std::string& key) {
    for (const Setting& setting : registry()) {
        const std::string own = variable_of(setting.key);
        const bool is_open = setting.key.ends_with('*');
        if (!is_open && own == variable) {
            key = setting.key;
            return &setting;
        }
        if (is_open && variable.size() > own.size() && variable.starts_with(own)) {
            key = setting.key.substr(0, setting.key.size() - 1);
            for (const char c : variable.substr(own.size())) {
                key += static_cast<char>(std::tolower(static_cast<unsigned char>(c)));
            }
            return &setting;
        }
    }
    return nullptr;
}

// Kubernetes sets these for a service named pgleash, in each container.
bool is_of_a_service(std::string_view variable) {
    return variable == "PGLEASH_PORT" || variable.starts_with("PGLEASH_PORT_") ||
           variable.starts_with("PGLEASH_SERVICE_");
}

std::string unknown_variable(const std::string& variable) {
    std::vector<std::string> known{std::string(kFileVariable)};
    for (const Setting& setting : registry()) {
        known.push_back(variable_of(setting.key));
    }
    const std::string guess = closest_word(variable, known);
    return fmt::format("there is no setting for the variable {}; {}", variable,
                       guess.empty() ? "\"pgleash config show\" lists them"
                                     : fmt::format("did you mean {}?", guess));
}

}  // namespace

Settings Settings::read(const std::vector<Config>& files,
                        const std::vector<std::string>& environment) {
    Settings settings;
    for (const Config& file : files) {
        settings.files_.push_back(file.name());
        FileReader(settings.values_).read(file);
    }
    std::vector<std::string> variables = environment;
    std::sort(variables.begin(), variables.end());
    for (const std::string& entry : variables) {
        const std::string variable = entry.substr(0, entry.find('='));
        if (!variable.starts_with(kPrefix) || variable == kFileVariable ||
            is_of_a_service(variable)) {
            continue;
        }
        SettingValue value{.origin = variable, .place = variable};
        value.setting = setting_of(variable, value.key);
        if (value.setting == nullptr) {
            settings.warnings_.push_back(unknown_variable(variable));
            continue;
        }
        value.text = entry.substr(std::min(variable.size() + 1, entry.size()));
        const SettingType type = value.setting->type;
        if (value.text.empty() && type != SettingType::kText && type != SettingType::kTexts) {
            continue;  // as good as not set
        }
        if (type == SettingType::kTexts) {
            value.items = split(value.text);
            value.text = fmt::format("{}", fmt::join(value.items, ", "));
        }
        if (!is_sensible(value)) {
            throw Failure(fmt::format("{}: write {}", variable, wanted_of(*value.setting)));
        }
        settings.values_.push_back(std::move(value));
    }
    return settings;
}

Settings Settings::load() {
    std::vector<std::string> environment;
    for (char** entry = environ; entry != nullptr && *entry != nullptr; ++entry) {
        environment.emplace_back(*entry);
    }
    return read(Config::load(), environment);
}

const SettingValue* Settings::find(std::string_view key) const {
    const auto found = std::find_if(values_.rbegin(), values_.rend(),
                                    [&](const SettingValue& value) { return value.key == key; });
    return found == values_.rend() ? nullptr : &*found;
}

std::string without_passwords(const std::string& dsn) {
    if (!is_connection_string(dsn)) {
        return dsn;
    }
    const Conninfo parts = parsed_dsn(dsn);
    if (parts == nullptr) {
        return "(not shown: it cannot be read)";
    }
    std::string out;
    for (const PQconninfoOption* part = parts.get(); part->keyword != nullptr; ++part) {
        if (part->val == nullptr) {
            continue;
        }
        const bool secret = std::string_view(part->keyword).ends_with("password");
        const std::string_view value = secret ? "********" : part->val;
        const bool quote = value.empty() || value.find_first_of(" '\\") != std::string_view::npos;
        std::string text;
        for (const char c : value) {
            text += c == '\'' || c == '\\' ? std::string("\\") + c : std::string(1, c);
        }
        out += fmt::format("{}{}={}", out.empty() ? "" : " ", part->keyword,
                           quote ? '\'' + text + '\'' : text);
    }
    return out;
}

}  // namespace leash::tool
