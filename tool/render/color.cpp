#include "render/color.h"

#include <fmt/format.h>

#include "core/names.h"

namespace leash::tool {
namespace {

bool is_set(const char* value) {
    return value != nullptr && *value != '\0';
}

struct WordPaint {
    std::string_view start;
    Paint paint;
};

// Outcomes, results of checks, and the plain states.
constexpr WordPaint kWordPaints[] = {
    {"ended", Paint::kGood},     {"cancelled", Paint::kGood},   {"ok", Paint::kGood},
    {"active", Paint::kActive},  {"idle", Paint::kDim},         {"gone", Paint::kDim},
    {"skipped", Paint::kDim},    {"exempt", Paint::kDim},       {"warning", Paint::kWaiting},
    {"spared", Paint::kWaiting}, {"too late", Paint::kWaiting}, {"still exiting", Paint::kWaiting},
    {"problem", Paint::kBad},    {"refused", Paint::kBad},
};

const char* sequence_of(Paint paint) {
    switch (paint) {
        case Paint::kBold:
            return "1";
        case Paint::kDim:
            return "38;5;246";
        case Paint::kActive:
            return "38;5;32";
        case Paint::kWaiting:
            return "38;5;214";
        case Paint::kBad:
            return "38;5;166";
        case Paint::kGood:
            return "38;5;36";
        case Paint::kNone:
            break;
    }
    return nullptr;
}

}  // namespace

bool use_color(ColorChoice choice, const ColorEnvironment& environment) {
    if (is_set(environment.no_color)) {
        return false;
    }
    if (choice != ColorChoice::kAuto) {
        return choice == ColorChoice::kAlways;
    }
    if (environment.term != nullptr && std::string_view(environment.term) == "dumb") {
        return false;
    }
    if (is_set(environment.clicolor_force) && std::string_view(environment.clicolor_force) != "0") {
        return true;
    }
    return environment.is_terminal;
}

std::string painted(std::string_view text, Paint paint) {
    const char* sequence = sequence_of(paint);
    if (sequence == nullptr) {
        return std::string(text);
    }
    return fmt::format("\033[{}m{}\033[0m", sequence, text);
}

Paint paint_of(std::string_view word) {
    if (word == name_of(Leak::unused)) {
        return Paint::kDim;
    }
    if (word == name_of(State::idle_in_transaction)) {
        return Paint::kWaiting;
    }
    for (const Leak leak : {Leak::aborted_transaction, Leak::stalled_client, Leak::abandoned,
                            Leak::never_used, Leak::ping_only}) {
        if (word == name_of(leak)) {
            return Paint::kBad;
        }
    }
    if (word == name_of(State::idle_in_transaction_aborted)) {
        return Paint::kBad;
    }
    for (const WordPaint& entry : kWordPaints) {
        if (word.starts_with(entry.start)) {
            return entry.paint;
        }
    }
    return Paint::kNone;
}

}  // namespace leash::tool
