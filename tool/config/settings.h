// What the files of settings and the PGLEASH_* variables say, the latter winning.
#pragma once

#include <cstdint>
#include <string>
#include <string_view>
#include <vector>

#include "config/config.h"
#include "config/registry.h"

namespace leash::tool {

struct SettingValue {
    const Setting* setting = nullptr;
    std::string key = {};                 ///< with a name in place of a star
    std::string text = {};                ///< as it was written; of a list, with commas
    std::vector<std::string> items = {};  ///< of a list
    std::int64_t number = 0;              ///< microseconds of a duration; a count
    std::string origin = {};              ///< "FILE:LINE", or the variable
    std::string place = {};               ///< for messages: "FILE:LINE:COLUMN", or the variable
    bool from_file = false;
};

class Settings {
public:
    /// Of this process.  Throws Failure with the place of what is wrong.
    static Settings load();

    /// files: later ones win; environment: "NAME=VALUE".
    static Settings read(const std::vector<Config>& files,
                         const std::vector<std::string>& environment);

    /// What counts; nullptr: nobody has set it.
    const SettingValue* find(std::string_view key) const;

    /// All that was said, what wins last.
    const std::vector<SettingValue>& values() const { return values_; }

    /// Files that were read, the last one winning.
    const std::vector<std::string>& files() const { return files_; }

    /// Variables that look like settings and are none.
    const std::vector<std::string>& warnings() const { return warnings_; }

private:
    std::vector<SettingValue> values_;
    std::vector<std::string> files_;
    std::vector<std::string> warnings_;
};

/// A connection string without its passwords.
std::string without_passwords(const std::string& dsn);

}  // namespace leash::tool
