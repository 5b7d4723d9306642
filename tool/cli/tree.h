// The commands and their options as data: for completion, manual pages and the check of
// the manual.
#pragma once

#include <string>
#include <vector>

#include <nlohmann/json_fwd.hpp>

#include "cli/arguments.h"

namespace leash::tool {

struct TreeOption {
    std::vector<std::string> names = {};  ///< "-o", "--output"; of a word that stands alone: "FILE"
    std::string type = {};                ///< "FILE"; empty: it takes no value
    std::string text = {};
    std::string group = {};
    std::vector<std::string> choices = {};
    bool repeatable = false;

    bool takes_value() const { return !type.empty(); }
    bool is_file() const;
};

struct TreeCommand {
    std::string name;  ///< with that of its group: "policy list"; empty: pgleash itself
    std::string text;
    std::string footer;
    bool hidden = false;
    bool runs = true;  ///< a group alone does not
    std::vector<TreeOption> options;
    std::vector<TreeOption> words;    ///< that stand alone
    std::vector<TreeOption> refined;  ///< options of pgleash itself that take other values here
    std::vector<TreeCommand> commands;
};

TreeCommand tree_of(const CLI::App& app, const Arguments& arguments);

/// It and all below it, without those that are hidden.
std::vector<const TreeCommand*> flattened(const TreeCommand& root);

nlohmann::ordered_json tree_json(const TreeCommand& command);

}  // namespace leash::tool
