// A file of settings for the tool, in TOML.
//
// Who reads it asks a table for the keys that it knows, then refuses what is left; whatever
// is wrong is a Failure that names file, line and column.
#pragma once

#include <cstdint>
#include <memory>
#include <optional>
#include <string>
#include <string_view>
#include <utility>
#include <vector>

namespace leash::tool {

class ConfigTable {
public:
    std::optional<std::string> text(const std::string& key);
    std::optional<double> number(const std::string& key);
    std::optional<bool> boolean(const std::string& key);
    /// A text such as "90s" or "5min"; microseconds.
    std::optional<std::int64_t> duration(const std::string& key);
    std::optional<std::vector<std::string>> texts(const std::string& key);

    /// A table in this one; an empty one when it is not there.
    ConfigTable table(const std::string& key);

    bool is_text(const std::string& key) const;

    /// The keys, for tables whose keys are names of something.
    std::vector<std::string> keys() const;

    /// "FILE:LINE:COLUMN" of a key, or of this table.
    std::string place(const std::string& key) const;
    std::string place() const;

    /// Throws Failure for the first key that was not asked for.
    void refuse_others() const;

    /// Throws Failure with the place of a key's value.
    [[noreturn]] void refuse(const std::string& key, const std::string& wanted) const;

private:
    friend class Config;
    struct Document;
    struct Value;

    ConfigTable(std::shared_ptr<const Document> document, const Value* table, std::string name)
        : document_(std::move(document)), table_(table), name_(std::move(name)) {}
    const Value* find(const std::string& key);

    std::shared_ptr<const Document> document_;
    const Value* table_;  ///< nullptr: it is not there
    std::string name_;    ///< "health.warning"; empty: the whole file
    std::vector<std::string> asked_;
};

class Config {
public:
    /// /etc/pgleash/config.toml and ~/.config/pgleash/config.toml, as far as they are there;
    /// in place of both the file that PGLEASH_CONFIG names, or none when that is empty.
    /// Throws Failure when one cannot be read.
    static std::vector<Config> load();

    /// Where load() looks, in its order.
    static std::vector<std::string> places();

    /// name stands for the file in messages.
    static Config parse(std::string_view text, const std::string& name);

    /// The keys and tables of the file.
    ConfigTable root() const;
    const std::string& name() const;

private:
    explicit Config(std::shared_ptr<const ConfigTable::Document> document)
        : document_(std::move(document)) {}

    std::shared_ptr<const ConfigTable::Document> document_;
};

}  // namespace leash::tool
