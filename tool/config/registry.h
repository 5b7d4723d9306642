// The settings that the tool knows.  Keys of its files, PGLEASH_* variables, the example
// file and "pgleash config show" all come from this one list.
#pragma once

#include <span>
#include <string>
#include <string_view>

namespace leash::tool {

enum class SettingType {
    kText,
    kChoice,    ///< one of a few words
    kDuration,  ///< "90s", "5min"
    kTexts,     ///< a list; with commas between them in a variable
    kLimit,     ///< of a check: a number, "0.9:", "off"
    kCount,     ///< a whole number from 1 on
    kAddress    ///< an address to listen at, with its port
};

struct Setting {
    /// As in the file, behind its tables: "health.timeout".  A star at the end stands for
    /// names that a server chooses: "health.warning.*".
    std::string_view key;
    SettingType type = SettingType::kText;
    /// As it would be written in a variable; empty: none.
    std::string_view fallback;
    std::string_view meaning;
    /// Of kChoice, with blanks between them; else an example, where there is no fallback.
    std::string_view words = {};
    bool may_be_zero = true;  ///< of kDuration
};

/// In the order of the example file: a table's settings stand together.
std::span<const Setting> registry();

/// "PGLEASH_HEALTH_TIMEOUT"; of a key with a star, what stands before it.
std::string variable_of(std::string_view key);

/// What has to be written, for a message: "table, json or csv".
std::string wanted_of(const Setting& setting);

}  // namespace leash::tool
