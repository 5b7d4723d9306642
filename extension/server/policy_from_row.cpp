// Reads one row of leash.policies.
#include "server/policy_table.h"

#include "server/policy_check.h"
#include "server/policy_row.h"

#include "core/glob.h"
#include "core/policy_names.h"

#include <algorithm>
#include <iterator>

namespace leash {
namespace {

// Null when the word is one of them; otherwise raises.
template <class Word, size_t N>
Word read_word(const PolicyRow& row, const char* column, const char* text, const Word (&words)[N],
               bool (*parse)(const char*, Word&), const char* joined) {
    Word word{};
    if (!parse(text, word)) {
        const char* names[N];
        std::transform(std::begin(words), std::end(words), names,
                       [](Word w) { return name_of(w); });
        row.refuse_word(column, text, names, static_cast<int>(N), joined);
    }
    return word;
}

template <class Word, size_t N>
Word read_required_word(const PolicyRow& row, const char* column, const Word (&words)[N],
                        bool (*parse)(const char*, Word&), const char* joined) {
    const char* const text = row.read_text(column);
    if (text == nullptr) {
        row.refuse_null(column);
    }
    return read_word(row, column, text, words, parse, joined);
}

// A list of words as a set of bits.
template <class Word, size_t N>
uint32_t read_set(const PolicyRow& row, const char* column, const Word (&words)[N],
                  bool (*parse)(const char*, Word&), const char* joined) {
    uint32_t set = 0;
    row.each_item(column, [&](const char* text) {
        set |= 1u << static_cast<unsigned>(read_word(row, column, text, words, parse, joined));
    });
    return set;
}

void add_name(const PolicyRow& row, const char* column, const char* text, NameList& list) {
    if (strlen(text) >= kNameSize) {
        row.refuse(column, text, {"It is longer than 63 bytes, and so than any name.", nullptr});
    }
    strlcpy(list.items[list.count++], text, kNameSize);
}

void read_names(const PolicyRow& row, const char* column, NameList& list) {
    row.each_item(column, [&](const char* text) {
        if (*text == '\0') {
            row.refuse(column, text, {"No name is empty.", nullptr});
        }
        add_name(row, column, text, list);
    });
}

void read_globs(const PolicyRow& row, const char* column, NameList& list) {
    row.each_item(column, [&](const char* text) {
        const GlobProblem problem = check_glob(text);
        if (problem != GlobProblem::none) {
            row.refuse(column, text,
                       {sentence(describe(problem)),
                        "* stands for any text, ? for one character, [a-z] for one of a set; \\ "
                        "takes the next character as it is."});
        }
        add_name(row, column, text, list);
    });
}

void read_networks(const PolicyRow& row, const char* column, NetworkList& list) {
    row.each_item(column, [&](const char* text) {
        Network& network = list.items[list.count++];
        const NetworkProblem problem = parse_network(text, network);
        if (problem != NetworkProblem::none) {
            row.refuse(column, text,
                       {sentence(describe(problem)),
                        "Write a network such as 10.0.0.0/8, an address such as 10.0.0.1, or "
                        "\"local\" for clients on a Unix socket."});
        }
    });
}

float read_share(const PolicyRow& row, const char* column) {
    double share = 0;
    if (row.read_double(column, share) && !(share > 0 && share <= 1)) {
        row.refuse(
            column, psprintf("%g", share),
            {"It is a share of the connections, above 0 and at most 1.", "Write 0.8 for 80 %."});
    }
    return static_cast<float>(share);
}

void read_pressure(const PolicyRow& row, Policy& policy) {
    policy.pressure_above = read_share(row, "pressure_above");
    policy.pressure_below = read_share(row, "pressure_below");
    if (policy.pressure_below == 0) {
        policy.pressure_below = policy.pressure_above;
    } else if (policy.pressure_above == 0) {
        row.refuse("pressure_below", psprintf("%g", static_cast<double>(policy.pressure_below)),
                   {"It says down to where to act, and \"pressure_above\" is null.",
                    "Set pressure_above too."});
    } else if (policy.pressure_below > policy.pressure_above) {
        row.refuse("pressure_below", psprintf("%g", static_cast<double>(policy.pressure_below)),
                   {"It is above \"pressure_above\".",
                    "Sessions are acted on above pressure_above, down to pressure_below."});
    }
}

int32_t read_count(const PolicyRow& row, const char* column, int32_t least, const char* hint) {
    int32_t count = 0;
    if (row.read_int(column, count) && count < least) {
        row.refuse(column, psprintf("%d", count), {nullptr, hint});
    }
    return count;
}

void read_criteria(const PolicyRow& row, Policy& policy) {
    read_names(row, "roles", policy.roles);
    read_names(row, "databases", policy.databases);
    read_globs(row, "applications", policy.applications);
    read_networks(row, "addresses", policy.addresses);
    policy.kinds = read_set(row, "kinds", kPolicyKinds, parse_kind, kKindWords);
    policy.states = read_set(row, "states", kPolicyStates, parse_state, kStateWords);
    policy.idle_for = row.read_age("idle_for");
    policy.unused_for = row.read_age("unused_for");
    policy.xact_for = row.read_age("xact_for");
    policy.statement_for = row.read_age("statement_for");
    policy.learned = row.read_bool("learned");
    read_pressure(row, policy);
    policy.blocks_others = row.read_bool("blocks_others");
    policy.holds_xmin = row.read_bool("holds_xmin");
    policy.peer_gone = row.read_bool("peer_gone");
}

}  // namespace

void policy_from_row(HeapTuple tuple, TupleDesc columns, Policy& policy) {
    // Bytes between fields too: policies are compared byte by byte.
    memset(static_cast<void*>(&policy), 0, sizeof policy);
    PolicyRow row(tuple, columns);
    row.read_name(policy.name);
    if (!row.read_int("priority", policy.priority)) {
        row.refuse_null("priority");
    }
    policy.mode = read_required_word(row, "mode", kPolicyModes, parse_mode, kModeWords);
    policy.action = read_required_word(row, "action", kPolicyActions, parse_action, kActionWords);
    read_criteria(row, policy);
    policy.grace = row.read_age("grace");
    policy.keep = read_count(row, "keep", 0, "Write 0, or leave the column null, to keep none.");
    policy.max_per_minute =
        read_count(row, "max_per_minute", 1, "Leave the column null to set no limit.");
    policy.include_superusers = row.read_bool("include_superusers");
    policy.include_listeners = row.read_bool("include_listeners");
    policy.include_lock_holders = row.read_bool("include_lock_holders");
    check_policy(policy);
}

}  // namespace leash
