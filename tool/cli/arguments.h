// What was typed, before anybody judges it.  Every value is kept as text; what it
// means is found out after parsing, so that all errors are ours and read alike.
#pragma once

#include <map>
#include <optional>
#include <string>
#include <vector>

// CLI11 is a second or more of compilation: only where it is needed.
namespace CLI {
class App;
class Option;
}  // namespace CLI

namespace leash::tool {

class Arguments {
public:
    std::string& slot(const std::string& name) { return values_[name]; }
    std::vector<std::string>& list(const std::string& name) { return lists_[name]; }
    std::vector<std::string>& words() { return words_; }
    const std::vector<std::string>& words() const { return words_; }

    void bind(const std::string& name, CLI::Option* option) { options_[name].push_back(option); }

    /// What completion offers as values of the option of that name that was added last.
    void offer(const std::string& name, std::vector<std::string> words) {
        offered_[options_.at(name).back()] = std::move(words);
    }
    /// The same for an option of pgleash itself, behind this command.
    void offer(const CLI::App* command, const std::string& name, std::vector<std::string> words) {
        offered_behind_[command][name] = std::move(words);
    }
    std::vector<std::string> offered(const CLI::Option* option) const;
    std::map<std::string, std::vector<std::string>> offered_behind(const CLI::App* command) const;

    bool is_value(const std::string& text) const;
    bool given(const std::string& name) const;
    std::optional<std::string> value(const std::string& name) const;
    /// Of an option that may be repeated.
    std::vector<std::string> values(const std::string& name) const;

private:
    std::map<std::string, std::string> values_;
    std::map<std::string, std::vector<std::string>> lists_;
    std::map<std::string, std::vector<CLI::Option*>> options_;
    std::map<const CLI::Option*, std::vector<std::string>> offered_;
    std::map<const CLI::App*, std::map<std::string, std::vector<std::string>>> offered_behind_;
    std::vector<std::string> words_;
};

void add_value(CLI::App* app, Arguments& arguments, const std::string& name,
               const std::string& names, const std::string& type, const std::string& text);
/// An option that may be repeated; each time it takes one value.
void add_values(CLI::App* app, Arguments& arguments, const std::string& name,
                const std::string& names, const std::string& type, const std::string& text);
void add_flag(CLI::App* app, Arguments& arguments, const std::string& name,
              const std::string& names, const std::string& text);

/// The heading of the help under which options added from now on stand.
void set_group(CLI::App* app, const std::string& group);

/// Below a command's options: a text of its own, and where the other options are.
void set_footer(CLI::App* command, const std::string& text);

/// Words that stand alone, such as session ids.
void add_words(CLI::App* app, Arguments& arguments, const std::string& name,
               const std::string& text);

}  // namespace leash::tool
