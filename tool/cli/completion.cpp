#include "cli/completion.h"

#include <set>

#include <nlohmann/json.hpp>

#include "config/registry.h"

namespace leash::tool {
namespace {

// What manual pages and the check of the manual go by: commands, and settings besides.
std::string json_text_of(const TreeCommand& root) {
    nlohmann::ordered_json document = tree_json(root);
    document["settings"] = nlohmann::ordered_json::array();
    for (const Setting& setting : registry()) {
        document["settings"].push_back({{"key", setting.key},
                                        {"variable", variable_of(setting.key)},
                                        {"fallback", setting.fallback},
                                        {"meaning", setting.meaning},
                                        {"wanted", wanted_of(setting)}});
    }
    return document.dump(2) + "\n";
}

}  // namespace

std::string completion_text(const TreeCommand& root, const std::string& shell) {
    return shell == "bash"   ? bash_completion(root)
           : shell == "zsh"  ? zsh_completion(root)
           : shell == "fish" ? fish_completion(root)
                             : json_text_of(root);
}

std::vector<std::string> names_with_value(const TreeCommand& root) {
    std::set<std::string> names;
    for (const TreeCommand* command : flattened(root)) {
        for (const TreeOption& option : command->options) {
            if (option.takes_value()) {
                names.insert(option.names.begin(), option.names.end());
            }
        }
    }
    return {names.begin(), names.end()};
}

std::string values_of(const std::vector<const TreeCommand*>& commands, AddValues add) {
    std::string out;
    for (auto command = commands.rbegin(); command != commands.rend(); ++command) {
        add(out, (*command)->name, (*command)->refined);
        add(out, (*command)->name, (*command)->options);
    }
    return out;
}

std::vector<std::string> name_patterns(const std::vector<const TreeCommand*>& commands) {
    std::vector<std::string> patterns;
    for (const TreeCommand* command : commands) {
        if (!command->name.empty()) {
            const bool in_group = command->name.find(' ') != std::string::npos;
            patterns.push_back(single_quoted(in_group ? command->name : ' ' + command->name));
        }
    }
    return patterns;
}

std::vector<std::string> next_words(const TreeCommand& command) {
    std::vector<std::string> words;
    for (const TreeCommand& below : command.commands) {
        if (!below.hidden) {
            words.push_back(below.name.substr(below.name.rfind(' ') + 1));
        }
    }
    return words;
}

std::string single_quoted(const std::string& text, const char* quote) {
    std::string out = "'";
    for (const char c : text) {
        out += c == '\'' ? std::string(quote) : std::string(1, c);
    }
    return out + "'";
}

}  // namespace leash::tool
