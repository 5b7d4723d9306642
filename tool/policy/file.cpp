#include "policy/file.h"

#include <algorithm>
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <memory>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/suggest.h"
#include "core/duration.h"
#include "core/policy.h"
#include "failure.h"
#include "policy/check.h"
#include "render/terminal.h"
#include "toml_library.h"

namespace leash::tool {
namespace {

constexpr std::size_t kLargestFile = 1 << 20;

FilePosition position_of(const toml::source_region& region) {
    return {region.begin.line, region.begin.column};
}

const char* wanted(PolicyType type) {
    switch (type) {
        case PolicyType::kText:
            return "a text in quotes";
        case PolicyType::kInteger:
            return "a whole number";
        case PolicyType::kReal:
            return "a number such as 0.8";
        case PolicyType::kBoolean:
            return "true or false";
        case PolicyType::kDuration:
            return "a duration in quotes, such as \"5min\" or \"1h 30min\"";
        case PolicyType::kList:
            break;
    }
    return "a list of texts, such as [\"a\", \"b\"]";
}

std::vector<std::string> key_names() {
    std::vector<std::string> names = {"name"};
    for (const PolicyColumn& column : policy_columns()) {
        names.emplace_back(column.name);
    }
    return names;
}

class PolicyReader {
public:
    PolicyReader(const toml::table& table, PolicyFile& file) : table_(table), file_(file) {}

    void read() {
        policy_.at = position_of(table_.source());
        policy_.row = default_policy("");
        read_name();
        for (const auto& [key, node] : table_) {
            if (key != "name") {
                read_key(key, node);
            }
        }
        check_policy(policy_, file_.problems);
        file_.policies.push_back(policy_);
    }

private:
    void add(FilePosition at, std::string message) {
        file_.problems.push_back({at, policy_.row.name, std::move(message)});
    }

    void read_name() {
        const toml::node* node = table_.get("name");
        if (node == nullptr) {
            add(policy_.at, "a policy lacks its name: name = \"...\"");
            return;
        }
        const FilePosition at = position_of(node->source());
        if (!node->is_string()) {
            add(at, "name: write a text in quotes");
            return;
        }
        const std::string& name = node->as_string()->get();
        if (const std::string problem = check_name(name); !problem.empty()) {
            add(at, problem);
        }
        policy_.row.name = name;
        for (const FilePolicy& other : file_.policies) {
            if (!name.empty() && other.row.name == name) {
                add(at, fmt::format("this name is taken by the policy of line {}", other.at.line));
            }
        }
    }

    void read_key(const toml::key& key, const toml::node& node) {
        const std::string name(key.str());
        const std::size_t index = policy_column(name);
        if (index == kPolicyColumnCount) {
            const std::string guess = closest_word(name, key_names());
            add(position_of(key.source()),
                guess.empty()
                    ? fmt::format("unknown key \"{}\"; the keys are {}", name,
                                  fmt::join(key_names(), ", "))
                    : fmt::format("unknown key \"{}\"; did you mean \"{}\"?", name, guess));
            return;
        }
        const PolicyColumn& column = policy_columns()[index];
        policy_.values_at[index] = position_of(node.source());
        if (!read_value(column, node, policy_.row.values[index])) {
            add(position_of(node.source()),
                fmt::format("{}: write {}", column.name, wanted(column.type)));
        }
    }

    // False when the type is wrong; other problems are added here.
    bool read_value(const PolicyColumn& column, const toml::node& node, PolicyValue& value) {
        switch (column.type) {
            case PolicyType::kText:
                if (!node.is_string()) {
                    return false;
                }
                read_text(column, node, value);
                return true;
            case PolicyType::kInteger:
                if (node.is_integer()) {
                    value = node.as_integer()->get();
                }
                return node.is_integer();
            case PolicyType::kReal:
                if (node.is_number()) {
                    value = *node.value<double>();
                }
                return node.is_number();
            case PolicyType::kBoolean:
                if (node.is_boolean()) {
                    value = node.as_boolean()->get();
                }
                return node.is_boolean();
            case PolicyType::kDuration:
                if (!node.is_string()) {
                    return false;
                }
                read_duration(column, node, value);
                return true;
            case PolicyType::kList:
                break;
        }
        return read_list(column, node, value);
    }

    void read_text(const PolicyColumn& column, const toml::node& node, PolicyValue& value) {
        const std::string& text = node.as_string()->get();
        if (const std::string problem = check_word(column, text); !problem.empty()) {
            add(position_of(node.source()), fmt::format("{}: {}", column.name, problem));
        }
        value = text;
    }

    void read_duration(const PolicyColumn& column, const toml::node& node, PolicyValue& value) {
        const std::string& text = node.as_string()->get();
        const ParsedDuration parsed = parse_duration(text);
        if (!parsed.ok()) {
            add(position_of(node.source()),
                fmt::format("{}: \"{}\" is no duration: {}; write for example \"90s\", \"5min\" or "
                            "\"1h 30min\" (units: us ms s min h d)",
                            column.name, text, describe(parsed.problem)));
        }
        if (parsed.ok()) {
            value = Microseconds{parsed.microseconds};
        }
    }

    bool read_list(const PolicyColumn& column, const toml::node& node, PolicyValue& value) {
        const toml::array* array = node.as_array();
        if (array == nullptr) {
            return false;
        }
        std::vector<std::string> items;
        for (const toml::node& item : *array) {
            if (!item.is_string()) {
                add(position_of(item.source()),
                    fmt::format("{}: write {}", column.name, wanted(PolicyType::kList)));
                continue;
            }
            items.push_back(item.as_string()->get());
            const std::string problem = check_word(column, items.back());
            if (!problem.empty()) {
                add(position_of(item.source()), fmt::format("{}: {}", column.name, problem));
            }
        }
        if (array->empty()) {
            add(position_of(node.source()),
                fmt::format("{}: an empty list matches nothing; leave it out to match all",
                            column.name));
        } else if (array->size() > static_cast<std::size_t>(kMaxListItems)) {
            add(position_of(node.source()), fmt::format("{}: it has {} items; {} at most",
                                                        column.name, array->size(), kMaxListItems));
        }
        value = std::move(items);
        return true;
    }

    const toml::table& table_;
    PolicyFile& file_;
    FilePolicy policy_;
};

void read_document(const toml::table& document, PolicyFile& file) {
    for (const auto& [key, node] : document) {
        const FilePosition at = position_of(key.source());
        if (key != "policy") {
            file.problems.push_back(
                {at, "",
                 fmt::format("unknown key \"{}\"; a policy begins with [[policy]]", key.str())});
            continue;
        }
        const toml::array* policies = node.as_array();
        if (policies == nullptr || !policies->is_array_of_tables()) {
            file.problems.push_back(
                {at, "", "write [[policy]], in two brackets: there may be several"});
            continue;
        }
        for (const toml::node& policy : *policies) {
            PolicyReader(*policy.as_table(), file).read();
        }
    }
    if (file.policies.size() > static_cast<std::size_t>(kMaxPolicies)) {
        file.problems.push_back(
            {file.policies[kMaxPolicies].at, "",
             fmt::format("there are {} policies; {} at most", file.policies.size(), kMaxPolicies)});
    }
}

}  // namespace

PolicyFile parse_policies(std::string_view text) {
    PolicyFile file;
    try {
        read_document(toml::parse(text), file);
    } catch (const toml::parse_error& error) {
        file.problems.push_back(
            {position_of(error.source()), "", std::string(error.description())});
    }
    // toml++ keeps tables sorted by key; people read from top to bottom.
    std::stable_sort(
        file.problems.begin(), file.problems.end(), [](const FileProblem& a, const FileProblem& b) {
            return std::pair(a.at.line, a.at.column) < std::pair(b.at.line, b.at.column);
        });
    return file;
}

std::string describe_problem(const std::string& file_name, const FileProblem& problem) {
    const std::string policy =
        problem.policy.empty() ? "" : fmt::format("policy \"{}\": ", problem.policy);
    return fmt::format("{}:{}:{}: {}{}", file_name, problem.at.line, problem.at.column, policy,
                       problem.message);
}

std::string read_policy_file(const std::string& file_name) {
    struct Close {
        void operator()(std::FILE* file) const {
            if (file != stdin) {
                (void)std::fclose(file);  // read only
            }
        }
    };
    const auto fail = [&] {
        throw Failure(fmt::format("could not read \"{}\": {}", file_name, std::strerror(errno)));
    };
    const std::unique_ptr<std::FILE, Close> in(
        file_name == "-" ? stdin : std::fopen(file_name.c_str(), "rb"));
    if (in == nullptr) {
        fail();
    }
    std::string text(kLargestFile + 1, '\0');
    text.resize(std::fread(text.data(), 1, text.size(), in.get()));
    if (std::ferror(in.get()) != 0) {
        fail();
    }
    if (text.size() > kLargestFile) {
        throw Failure(fmt::format("\"{}\" is larger than {} bytes: no file of policies", file_name,
                                  kLargestFile));
    }
    return text;
}

std::vector<FilePolicy> load_policies(const std::string& file_name) {
    PolicyFile file = parse_policies(read_policy_file(file_name));
    const std::string shown = file_name == "-" ? "stdin" : file_name;
    if (!file.problems.empty()) {
        for (std::size_t i = 0; i + 1 < file.problems.size(); ++i) {
            write_error(describe_problem(shown, file.problems[i]));
        }
        throw Failure(describe_problem(shown, file.problems.back()));
    }
    if (file.policies.empty()) {
        throw Failure(fmt::format("{} holds no policy: one begins with [[policy]]", shown));
    }
    return std::move(file.policies);
}

}  // namespace leash::tool
