#include "policy/words.h"

#include <fmt/format.h>

namespace leash::tool {
namespace {

struct Phrase {
    const char* column;
    const char* words;
};

void add(std::string& out, const std::string& more) {
    out += (out.empty() ? "" : ", ") + more;
}

std::string abbreviated(std::string word) {
    const std::string phrase = "in transaction";
    if (const auto at = word.find(phrase); at != std::string::npos) {
        word.replace(at, phrase.size(), "in txn");
    }
    return word;
}

void add_list(std::string& out, const PolicyRow& policy, const char* column, const char* label) {
    std::string items;
    for (const std::string& item : list_of(policy, column)) {
        items += (items.empty() ? "" : "|") + abbreviated(item);
    }
    if (!items.empty()) {
        add(out, label + items);
    }
}

std::string percent(const PolicyRow& policy, const char* column) {
    const auto* share = std::get_if<double>(&policy[column]);
    return share == nullptr ? std::string() : fmt::format("{:.3g}%", *share * 100);
}

}  // namespace

std::string matches_words(const PolicyRow& policy) {
    constexpr Phrase kLists[] = {
        {"kinds", ""},      {"states", ""},       {"applications", "app "},
        {"roles", "role "}, {"databases", "db "}, {"addresses", "from "},
    };
    constexpr Phrase kCircumstances[] = {
        {"blocks_others", "blocks others"},
        {"holds_xmin", "holds xmin"},
        {"peer_gone", "peer gone"},
    };
    std::string out;
    for (const Phrase& list : kLists) {
        add_list(out, policy, list.column, list.words);
    }
    for (const Phrase& circumstance : kCircumstances) {
        if (is_true(policy, circumstance.column)) {
            add(out, circumstance.words);
        }
    }
    if (const std::string above = percent(policy, "pressure_above"); !above.empty()) {
        add(out, "above " + above);
    }
    if (const std::int64_t keep = number_of(policy, "keep"); keep > 0) {
        add(out, fmt::format("keep {}", keep));
    }
    return out.empty() ? "any session" : out;
}

std::string age_words(const PolicyRow& policy) {
    constexpr Phrase kAges[] = {
        {"idle_for", "idle "},
        {"unused_for", "unused "},
        {"xact_for", "xact "},
        {"statement_for", "stmt "},
    };
    std::string out;
    for (const Phrase& age : kAges) {
        if (const auto* us = std::get_if<Microseconds>(&policy[age.column])) {
            add(out, age.words + exact_duration(us->value));
        }
    }
    if (is_true(policy, "learned")) {
        add(out, "learned");
    }
    return out;
}

}  // namespace leash::tool
