// The words of a policy, read back: what name_of() writes, and nothing else.
#pragma once

#include <cstddef>
#include <string_view>

#include "names.h"
#include "policy.h"

namespace leash {

// What a policy may name, in the order in which users see it.  No State::unknown: such
// a session is never matched.  No Mode::off: a policy that is not enabled is not read.
inline constexpr Leak kPolicyKinds[] = {
    Leak::peer_gone, Leak::idle_in_transaction, Leak::aborted_transaction, Leak::stalled_client,
    Leak::abandoned, Leak::never_used,          Leak::ping_only,           Leak::unused,
};
inline constexpr State kPolicyStates[] = {
    State::active,   State::idle, State::idle_in_transaction, State::idle_in_transaction_aborted,
    State::fastpath,
};
inline constexpr Action kPolicyActions[] = {
    Action::spare, Action::log, Action::notify, Action::cancel, Action::terminate,
};
inline constexpr Mode kPolicyModes[] = {Mode::observe, Mode::enforce};

namespace detail {

template <class Word, size_t N>
constexpr bool parse_word(const Word (&words)[N], const char* text, Word& value) {
    for (const Word word : words) {
        if (std::string_view(text) == name_of(word)) {
            value = word;
            return true;
        }
    }
    return false;
}

template <size_t Size>
struct WordList {
    char text[Size];
};

// The names of all `words`, with ", " between, put together by the compiler.
template <const auto& words>
consteval auto join_words() {
    constexpr size_t size = [] {
        size_t sum = 0;
        for (const auto word : words) {
            sum += std::string_view(name_of(word)).size() + 2;
        }
        return sum;
    }();
    WordList<size> list{};  // the last separator's room is that of the zero
    size_t length = 0;
    for (const auto word : words) {
        if (length > 0) {
            list.text[length++] = ',';
            list.text[length++] = ' ';
        }
        for (const char c : std::string_view(name_of(word))) {
            list.text[length++] = c;
        }
    }
    return list;
}

template <const auto& words>
inline constexpr auto kJoined = join_words<words>();

}  // namespace detail

// False, and `value` untouched, when the text is no such word.
constexpr bool parse_kind(const char* text, Leak& value) {
    return detail::parse_word(kPolicyKinds, text, value);
}
constexpr bool parse_state(const char* text, State& value) {
    return detail::parse_word(kPolicyStates, text, value);
}
constexpr bool parse_action(const char* text, Action& value) {
    return detail::parse_word(kPolicyActions, text, value);
}
constexpr bool parse_mode(const char* text, Mode& value) {
    return detail::parse_word(kPolicyModes, text, value);
}

// All valid words, for error messages: "observe, enforce".
inline constexpr const char* kKindWords = detail::kJoined<kPolicyKinds>.text;
inline constexpr const char* kStateWords = detail::kJoined<kPolicyStates>.text;
inline constexpr const char* kActionWords = detail::kJoined<kPolicyActions>.text;
inline constexpr const char* kModeWords = detail::kJoined<kPolicyModes>.text;

}  // namespace leash
