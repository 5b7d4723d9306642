#include "cli/tree.h"

#include <algorithm>

#include <CLI/CLI.hpp>
#include <nlohmann/json.hpp>

#include "cli/command_words.h"

namespace leash::tool {
namespace {

using Json = nlohmann::ordered_json;

TreeOption option_of(const CLI::Option& option, const Arguments& arguments) {
    TreeOption out;
    for (const std::string& name : option.get_snames()) {
        out.names.push_back("-" + name);
    }
    for (const std::string& name : option.get_lnames()) {
        out.names.push_back("--" + name);
    }
    if (option.get_positional()) {
        out.names = {option.get_name()};
    }
    // Of flags the type is empty too; CLI11 calls it BOOLEAN or the like for some.
    out.type = option.get_items_expected_max() == 0 ? std::string() : option.get_type_name();
    out.text = option.get_description();
    out.group = option.get_group();
    out.choices = arguments.offered(&option);
    out.repeatable = option.get_items_expected_max() > 1;
    return out;
}

void add_json(Json& list, const std::vector<TreeOption>& options) {
    for (const TreeOption& option : options) {
        list.push_back({{"names", option.names},
                        {"type", option.type},
                        {"text", option.text},
                        {"group", option.group},
                        {"choices", option.choices},
                        {"repeatable", option.repeatable}});
    }
}

void flatten(const TreeCommand& command, std::vector<const TreeCommand*>& out) {
    out.push_back(&command);
    for (const TreeCommand& below : command.commands) {
        if (!below.hidden) {
            flatten(below, out);
        }
    }
}

}  // namespace

bool TreeOption::is_file() const {
    return type == "FILE" || type == "SNAPSHOT" || names == std::vector<std::string>{"FILE"};
}

TreeCommand tree_of(const CLI::App& app, const Arguments& arguments) {
    TreeCommand command;
    command.name = app.get_parent() == nullptr ? std::string() : full_name(app);
    command.text = app.get_description();
    command.footer = app.get_footer();
    command.hidden = app.get_group().empty();
    const std::vector<CommandWord> words = command_words();
    command.runs = std::any_of(words.begin(), words.end(),
                               [&](const CommandWord& word) { return command.name == word.name; });
    for (const CLI::Option* option : app.get_options()) {
        auto& list = option->get_positional() ? command.words : command.options;
        list.push_back(option_of(*option, arguments));
    }
    for (const auto& [name, choices] : arguments.offered_behind(&app)) {
        command.refined.push_back({.names = {name}, .type = "WORD", .choices = choices});
    }
    const auto any = [](const CLI::App*) { return true; };
    for (const CLI::App* below : app.get_subcommands(any)) {
        command.commands.push_back(tree_of(*below, arguments));
    }
    return command;
}

std::vector<const TreeCommand*> flattened(const TreeCommand& root) {
    std::vector<const TreeCommand*> out;
    flatten(root, out);
    return out;
}

Json tree_json(const TreeCommand& command) {
    Json json{{"name", command.name},     {"text", command.text},     {"footer", command.footer},
              {"hidden", command.hidden}, {"runs", command.runs},     {"options", Json::array()},
              {"words", Json::array()},   {"commands", Json::array()}};
    add_json(json["options"], command.options);
    add_json(json["words"], command.words);
    for (const TreeCommand& below : command.commands) {
        json["commands"].push_back(tree_json(below));
    }
    return json;
}

}  // namespace leash::tool
