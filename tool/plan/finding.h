// A finding: something that is wrong on a server, why we think so, and what to do about
// it.  All texts are words for people; what strangers named or wrote is marked in them as
// words.h says, and whoever prints them escapes it (markdown.cpp, html.cpp).
#pragma once

#include <cstdint>
#include <string>
#include <vector>

namespace leash::tool::plan {

/// How much it hurts, the worst first.
enum class Harm {
    kStandstill,  ///< sessions wait for it at this moment
    kRefused,     ///< clients were turned away in the last day, and this holds the slots
    kShortage,    ///< nearly all slots were taken, and this holds many of them
    kSlow,        ///< users wait longer than they should
    kWaste,       ///< holds or costs something for nothing
    kRisk,        ///< will hurt if nothing is done
};
const char* name_of(Harm harm);

enum class When { kHour, kDay, kWeek };

struct Fix {
    When when = When::kHour;
    std::string what;      ///< one sentence
    std::string language;  ///< of `text`: "sh", "sql", "js" ...
    std::string text;      ///< to paste, lines ended by line feeds; quoted for its language
    std::string risk;
    std::string undo;
};

/// What the fixes lead to.
struct Expected {
    std::string what;
    std::string now;
    std::string after;
    std::string how;  ///< it was computed
};

/// A command that shows whether it gets better.
struct Watch {
    std::string what;
    std::string text;
};

struct Finding {
    std::string kind;         ///< "leak", "no pool", "spike" ...; stable, for programs
    std::string cause;        ///< within the kind, such as "open transaction"; may be empty
    std::string application;  ///< as it is; empty: none alone, or one without a name
    std::string subject;      ///< tells findings of a kind apart, such as the role and table
    std::string title;
    Harm harm = Harm::kWaste;
    double weight = 0;       ///< within the same harm, the larger first
    std::string hurts;       ///< how, in a phrase
    std::int64_t frees = 0;  ///< slots, of those that were taken at the peak
    std::vector<std::string> evidence;
    std::string diagnosis;
    std::vector<Fix> fixes;
    std::vector<Expected> expected;
    std::vector<Watch> watch;

    std::string id() const;
};

}  // namespace leash::tool::plan
