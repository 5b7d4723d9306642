#include "config/config.h"

#include <algorithm>
#include <cerrno>
#include <cmath>
#include <cstdio>
#include <cstdlib>
#include <cstring>

#include <pwd.h>
#include <unistd.h>

#include <fmt/format.h>

#include "cli/suggest.h"
#include "core/duration.h"
#include "failure.h"
#include "toml_library.h"

namespace leash::tool {
namespace {

struct FilePlace {
    std::size_t line = 0;
    std::size_t column = 0;
    auto operator<=>(const FilePlace&) const = default;
};

}  // namespace

// A value of the file with its place, so that toml++ is known here alone.
struct ConfigTable::Value {
    enum class Type { kText, kNumber, kBoolean, kList, kTable, kOther };

    Type type = Type::kOther;
    FilePlace at;
    std::string text;
    double number = 0;  // of a boolean too
    std::vector<Value> items;
    std::vector<std::string> keys;      // of a table, as they stand in the file
    std::vector<FilePlace> key_places;  // where each of them stands
    std::vector<Value> members;         // and what it has there

    static Value of(const toml::node& node);
    void take_members(const toml::table& table);
    std::size_t index_of(const std::string& key) const;
};

struct ConfigTable::Document {
    std::string name;
    Value root;
};

namespace {

constexpr const char* kSystemFile = "/etc/pgleash/config.toml";
constexpr std::size_t kLargestFile = 1 << 20;

FilePlace place_of(const toml::source_region& region) {
    return {region.begin.line, region.begin.column};
}

std::string place_text(const std::string& file, const FilePlace& at) {
    return fmt::format("{}:{}:{}", file, at.line, at.column);
}

std::string unknown_key(const std::string& key, const std::vector<std::string>& known) {
    const std::string guess = closest_word(key, known);
    return guess.empty()
               ? fmt::format("unknown key \"{}\"; the keys are {}", key, fmt::join(known, ", "))
               : fmt::format("unknown key \"{}\"; did you mean \"{}\"?", key, guess);
}

std::string home_directory() {
    if (const char* home = std::getenv("HOME"); home != nullptr && home[0] != '\0') {
        return home;
    }
    const passwd* user = getpwuid(geteuid());
    return user == nullptr ? std::string() : user->pw_dir;
}

std::string user_file() {
    const char* base = std::getenv("XDG_CONFIG_HOME");
    return (base != nullptr && base[0] == '/' ? base : home_directory() + "/.config") +
           "/pgleash/config.toml";
}

// nullopt: there is none.
std::optional<std::string> contents_of(const std::string& name) {
    struct Close {
        void operator()(std::FILE* file) const { std::fclose(file); }
    };
    const std::unique_ptr<std::FILE, Close> in(std::fopen(name.c_str(), "rb"));
    if (in == nullptr && (errno == ENOENT || errno == ENOTDIR)) {
        return std::nullopt;
    }
    std::string text(kLargestFile + 1, '\0');
    if (in != nullptr) {
        text.resize(std::fread(text.data(), 1, text.size(), in.get()));
    }
    if (in == nullptr || std::ferror(in.get()) != 0) {
        throw Failure(fmt::format("could not read \"{}\": {}", name, std::strerror(errno)));
    }
    if (text.size() > kLargestFile) {
        throw Failure(fmt::format("\"{}\" is larger than {} bytes: no settings of pgleash", name,
                                  kLargestFile));
    }
    return text;
}

}  // namespace

// --- values ------------------------------------------------------------------------

void ConfigTable::Value::take_members(const toml::table& table) {
    // toml++ keeps them sorted by name; people read from top to bottom.
    std::vector<std::pair<FilePlace, std::string>> order;
    for (const auto& [key, node] : table) {
        order.emplace_back(place_of(key.source()), key.str());
    }
    std::sort(order.begin(), order.end());
    for (auto& [place, key] : order) {
        members.push_back(of(*table.get(key)));
        keys.push_back(std::move(key));
        key_places.push_back(place);
    }
}

ConfigTable::Value ConfigTable::Value::of(const toml::node& node) {
    Value value;
    value.at = place_of(node.source());
    if (const auto* text = node.as_string()) {
        value.type = Type::kText;
        value.text = text->get();
    } else if (node.is_number()) {
        value.type = Type::kNumber;
        value.number = *node.value<double>();
    } else if (const auto* truth = node.as_boolean()) {
        value.type = Type::kBoolean;
        value.number = truth->get() ? 1 : 0;
    } else if (const auto* list = node.as_array()) {
        value.type = Type::kList;
        for (const toml::node& item : *list) {
            value.items.push_back(of(item));
        }
    } else if (const auto* table = node.as_table()) {
        value.type = Type::kTable;
        value.take_members(*table);
    }
    return value;
}

std::size_t ConfigTable::Value::index_of(const std::string& key) const {
    return static_cast<std::size_t>(std::find(keys.begin(), keys.end(), key) - keys.begin());
}

// --- a table -----------------------------------------------------------------------

const ConfigTable::Value* ConfigTable::find(const std::string& key) {
    if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
        asked_.push_back(key);
    }
    const std::size_t at = table_ == nullptr ? 0 : table_->index_of(key);
    return table_ == nullptr || at == table_->members.size() ? nullptr : &table_->members[at];
}

std::string ConfigTable::place() const {
    return table_ == nullptr ? document_->name : place_text(document_->name, table_->at);
}

std::string ConfigTable::place(const std::string& key) const {
    const std::size_t at = table_ == nullptr ? 0 : table_->index_of(key);
    return table_ == nullptr || at == table_->members.size()
               ? place()
               : place_text(document_->name, table_->key_places[at]);
}

void ConfigTable::refuse(const std::string& key, const std::string& wanted) const {
    const Value& value = table_->members[table_->index_of(key)];
    throw Failure(
        fmt::format("{}: {}: write {}", place_text(document_->name, value.at), key, wanted));
}

std::optional<std::string> ConfigTable::text(const std::string& key) {
    const Value* value = find(key);
    if (value != nullptr && value->type != Value::Type::kText) {
        refuse(key, "a text in quotes");
    }
    return value == nullptr ? std::nullopt : std::optional(value->text);
}

std::optional<double> ConfigTable::number(const std::string& key) {
    const Value* value = find(key);
    if (value != nullptr &&
        (value->type != Value::Type::kNumber || !std::isfinite(value->number))) {
        refuse(key, "a number");
    }
    return value == nullptr ? std::nullopt : std::optional(value->number);
}

std::optional<bool> ConfigTable::boolean(const std::string& key) {
    const Value* value = find(key);
    if (value != nullptr && value->type != Value::Type::kBoolean) {
        refuse(key, "true or false");
    }
    return value == nullptr ? std::nullopt : std::optional(value->number != 0);
}

std::optional<std::int64_t> ConfigTable::duration(const std::string& key) {
    const Value* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    const ParsedDuration parsed = parse_duration(value->text);  // of no text: none
    if (!parsed.ok()) {
        refuse(key, "a duration in quotes, such as \"10s\" or \"5min\"");
    }
    return parsed.microseconds;
}

std::optional<std::vector<std::string>> ConfigTable::texts(const std::string& key) {
    const Value* value = find(key);
    if (value == nullptr) {
        return std::nullopt;
    }
    std::vector<std::string> items;
    for (const Value& item : value->items) {
        if (item.type == Value::Type::kText) {
            items.push_back(item.text);
        }
    }
    if (value->type != Value::Type::kList || items.size() != value->items.size()) {
        refuse(key, "a list of texts, such as [\"a\", \"b\"]");
    }
    return items;
}

ConfigTable ConfigTable::table(const std::string& key) {
    const Value* value = find(key);
    std::string name = name_.empty() ? key : name_ + '.' + key;
    if (value != nullptr && value->type != Value::Type::kTable) {
        refuse(key, fmt::format("a table, which begins with [{}]", name));
    }
    return {document_, value, std::move(name)};
}

bool ConfigTable::is_text(const std::string& key) const {
    const std::size_t at = table_ == nullptr ? 0 : table_->index_of(key);
    return table_ != nullptr && at < table_->members.size() &&
           table_->members[at].type == Value::Type::kText;
}

std::vector<std::string> ConfigTable::keys() const {
    return table_ == nullptr ? std::vector<std::string>{} : table_->keys;
}

void ConfigTable::refuse_others() const {
    for (const std::string& key : keys()) {
        if (std::find(asked_.begin(), asked_.end(), key) == asked_.end()) {
            throw Failure(fmt::format("{}: {}", place(key), unknown_key(key, asked_)));
        }
    }
}

// --- the file ----------------------------------------------------------------------

Config Config::parse(std::string_view text, const std::string& name) {
    auto document = std::make_shared<ConfigTable::Document>();
    document->name = name;
    try {
        document->root = ConfigTable::Value::of(toml::parse(text));
    } catch (const toml::parse_error& error) {
        throw Failure(
            fmt::format("{}: {}", place_text(name, place_of(error.source())), error.description()));
    }
    return Config(std::move(document));
}

std::vector<std::string> Config::places() {
    if (const char* named = std::getenv("PGLEASH_CONFIG"); named != nullptr) {
        return named[0] == '\0' ? std::vector<std::string>{} : std::vector<std::string>{named};
    }
    return {kSystemFile, user_file()};
}

std::vector<Config> Config::load() {
    std::vector<Config> files;
    for (const std::string& place : places()) {
        if (const auto text = contents_of(place)) {
            files.push_back(parse(*text, place));
        } else if (std::getenv("PGLEASH_CONFIG") != nullptr) {
            throw Failure(fmt::format("PGLEASH_CONFIG names \"{}\", which does not exist", place));
        }
    }
    return files;
}

ConfigTable Config::root() const {
    return {document_, &document_->root, ""};
}

const std::string& Config::name() const {
    return document_->name;
}

}  // namespace leash::tool
