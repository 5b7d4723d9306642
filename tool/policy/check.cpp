#include "policy/check.h"

#include <string_view>

#include <fmt/format.h>
#include <fmt/ranges.h>

#include "cli/suggest.h"
#include "core/cidr.h"
#include "core/glob.h"
#include "core/policy.h"
#include "core/policy_names.h"

namespace leash::tool {
namespace {

template <typename Word, std::size_t N>
std::string check_listed(const Word (&words)[N], const char* what, const std::string& text) {
    std::vector<std::string> names;
    for (const Word word : words) {
        names.emplace_back(name_of(word));
        if (text == names.back()) {
            return {};
        }
    }
    if (const std::string guess = closest_word(text, names); !guess.empty()) {
        return fmt::format("\"{}\" is no {}; did you mean \"{}\"?", text, what, guess);
    }
    return fmt::format("\"{}\" is no {}; it is one of {}", text, what, fmt::join(names, ", "));
}

std::string check_address(const std::string& text) {
    Network network{};
    const NetworkProblem problem = parse_network(text.c_str(), network);
    if (problem == NetworkProblem::none) {
        return {};
    }
    return fmt::format("\"{}\" is no network: {}", text, describe(problem));
}

std::string check_application(const std::string& text) {
    const GlobProblem problem = check_glob(text.c_str());
    return problem == GlobProblem::none
               ? std::string()
               : fmt::format("\"{}\" is no pattern: {}", text, describe(problem));
}

// A name of a role or a database.
std::string check_identifier(const std::string& text) {
    if (text.empty()) {
        return "an empty name matches nothing";
    }
    if (text.size() >= kNameSize) {
        return fmt::format("\"{}\" is longer than a name can be ({} bytes)", text, kNameSize - 1);
    }
    return {};
}

constexpr const char* kCriteria[] = {"kinds",         "idle_for", "unused_for", "xact_for",
                                     "statement_for", "learned",  "peer_gone"};

class Checker {
public:
    Checker(const FilePolicy& policy, std::vector<FileProblem>& problems)
        : policy_(policy), problems_(problems) {}

    void check() {
        for (const char* age : {"idle_for", "unused_for", "xact_for", "statement_for"}) {
            const auto* value = std::get_if<Microseconds>(&policy_.row[age]);
            if (value != nullptr && value->value == 0) {
                add(age, "an age of zero is always reached; leave it out to match any age");
            }
        }
        const auto* grace = std::get_if<Microseconds>(&policy_.row["grace"]);
        if (grace != nullptr && grace->value == 0) {
            add("grace", "zero is no grace; leave it out to act at once");
        }
        check_share("pressure_above");
        check_share("pressure_below");
        check_count("keep", 0, "write 0, or leave it out, to keep none");
        check_count("max_per_minute", 1, "leave it out to set no limit");
        check_count("priority", INT32_MIN, "write a number below 2147483648");
        check_together();
    }

private:
    void add(const char* column, const std::string& message) {
        const FilePosition& given = policy_.values_at[policy_column(column)];
        problems_.push_back({given.line == 0 ? policy_.at : given, policy_.row.name,
                             fmt::format("{}: {}", column, message)});
    }

    void check_share(const char* column) {
        const auto* value = std::get_if<double>(&policy_.row[column]);
        // Written so that it refuses nan too.
        if (value != nullptr && !(*value > 0 && *value <= 1)) {
            add(column, fmt::format("{} is no share of the connections; write a number above 0, "
                                    "and 1 at most, such as 0.8",
                                    *value));
        }
    }

    void check_count(const char* column, std::int64_t least, const char* hint) {
        const auto* value = std::get_if<std::int64_t>(&policy_.row[column]);
        if (value != nullptr && (*value < least || *value > INT32_MAX)) {
            add(column, fmt::format("{} is out of range; {}", *value, hint));
        }
    }

    void check_together() {
        const auto* above = std::get_if<double>(&policy_.row["pressure_above"]);
        const auto* below = std::get_if<double>(&policy_.row["pressure_below"]);
        if (below != nullptr && above == nullptr) {
            add("pressure_below", "it goes with pressure_above only");
        } else if (below != nullptr && *below > *above) {
            add("pressure_below", fmt::format("{} is above pressure_above, {}", *below, *above));
        }
        if (is_true(policy_.row, "learned") &&
            std::holds_alternative<Microseconds>(policy_.row["idle_for"])) {
            add("learned", "give either this or idle_for");
        }
        check_criterion();
    }

    // As the server: nobody means to act on whoever was idle for a microsecond.
    void check_criterion() {
        bool any = text_of(policy_.row, "action") == name_of(Action::spare);
        for (const char* column : kCriteria) {
            any = any || !is_fallback(policy_column(column), policy_.row[column]);
        }
        if (!any) {
            problems_.push_back({policy_.at, policy_.row.name,
                                 fmt::format("it would act on sessions at once; set at least one "
                                             "of {}",
                                             fmt::join(kCriteria, ", "))});
        }
    }

    const FilePolicy& policy_;
    std::vector<FileProblem>& problems_;
};

}  // namespace

std::string check_word(const PolicyColumn& column, const std::string& text) {
    const std::string_view name = column.name;
    if (text.find('\0') != std::string::npos) {
        return "it holds a zero byte";
    }
    if (name == "mode") {
        return check_listed(kPolicyModes, "mode", text);
    }
    if (name == "action") {
        return check_listed(kPolicyActions, "action", text);
    }
    if (name == "kinds") {
        return check_listed(kPolicyKinds, "kind of leak", text);
    }
    if (name == "states") {
        return check_listed(kPolicyStates, "state", text);
    }
    if (name == "addresses") {
        return check_address(text);
    }
    if (name == "applications") {
        return check_application(text);
    }
    return name == "roles" || name == "databases" ? check_identifier(text) : std::string();
}

void check_policy(const FilePolicy& policy, std::vector<FileProblem>& problems) {
    Checker(policy, problems).check();
}

std::string check_name(const std::string& name) {
    if (name.empty()) {
        return "its name is empty";
    }
    if (name.find('\0') != std::string::npos) {
        return "its name holds a zero byte";
    }
    if (name.size() >= kNameSize) {
        return fmt::format("its name is longer than {} bytes", kNameSize - 1);
    }
    return {};
}

}  // namespace leash::tool
