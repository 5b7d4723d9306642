#include "cli/arguments.h"

#include <algorithm>

#include <CLI/CLI.hpp>

namespace leash::tool {
namespace {

constexpr const char* kCommandFooter = R"(
Connection and output options are those of "pgleash --help".)";

}  // namespace

bool Arguments::is_value(const std::string& text) const {
    return std::any_of(values_.begin(), values_.end(),
                       [&](const auto& entry) { return entry.second == text; });
}

bool Arguments::given(const std::string& name) const {
    const auto found = options_.find(name);
    return found != options_.end() &&
           std::any_of(found->second.begin(), found->second.end(),
                       [](const CLI::Option* option) { return option->count() > 0; });
}

std::optional<std::string> Arguments::value(const std::string& name) const {
    return given(name) ? std::optional(values_.at(name)) : std::nullopt;
}

std::vector<std::string> Arguments::values(const std::string& name) const {
    return given(name) ? lists_.at(name) : std::vector<std::string>();
}

std::vector<std::string> Arguments::offered(const CLI::Option* option) const {
    const auto found = offered_.find(option);
    return found == offered_.end() ? std::vector<std::string>() : found->second;
}

std::map<std::string, std::vector<std::string>> Arguments::offered_behind(
    const CLI::App* command) const {
    const auto found = offered_behind_.find(command);
    return found == offered_behind_.end() ? std::map<std::string, std::vector<std::string>>()
                                          : found->second;
}

void add_value(CLI::App* app, Arguments& arguments, const std::string& name,
               const std::string& names, const std::string& type, const std::string& text) {
    CLI::Option* option = app->add_option(names, arguments.slot(name), text);
    option->type_name(type)->take_last();
    arguments.bind(name, option);
}

void add_values(CLI::App* app, Arguments& arguments, const std::string& name,
                const std::string& names, const std::string& type, const std::string& text) {
    CLI::Option* option = app->add_option(names, arguments.list(name), text);
    option->type_name(type)->type_size(1)->allow_extra_args(false);
    arguments.bind(name, option);
}

void add_flag(CLI::App* app, Arguments& arguments, const std::string& name,
              const std::string& names, const std::string& text) {
    CLI::Option* option = app->add_flag(names, text);
    // "--json=no" would otherwise count as --json.
    option->check([](const std::string& value) {
        return value == "true" ? std::string() : std::string("it takes no value");
    });
    arguments.bind(name, option);
}

void set_group(CLI::App* app, const std::string& group) {
    app->option_defaults()->group(group);
}

void set_footer(CLI::App* command, const std::string& text) {
    command->footer(text.empty() ? kCommandFooter : text + "\n" + kCommandFooter);
}

void add_words(CLI::App* app, Arguments& arguments, const std::string& name,
               const std::string& text) {
    CLI::Option* words = app->add_option(name, arguments.words(), text);
    words->type_name("");
    arguments.bind(name, words);
}

}  // namespace leash::tool
