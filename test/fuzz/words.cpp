// The words of policies, names with a pooler's host, texts with secrets.
#include <algorithm>

#include "core/policy_names.h"
#include "core/pooler_name.h"
#include "core/secrets.h"
#include "fuzz.h"

namespace leash::fuzz {
namespace {

template <class Word>
void check_word(const char* text, bool (*parse)(const char*, Word&)) {
    Word value{};
    const Word before = value;
    if (parse(text, value)) {
        must(strcmp(name_of(value), text) == 0, "a word is what it is called");
    } else {
        must(value == before, "a value stays when the word is none");
    }
}

std::string lower(std::string text) {
    std::transform(text.begin(), text.end(), text.begin(),
                   [](char c) { return c >= 'A' && c <= 'Z' ? static_cast<char>(c + 32) : c; });
    return text;
}

bool holds(const std::string& text, const char* word) {
    return text.find(word) != std::string::npos;
}

void check_secret(const std::string& text) {
    Exactly copy(text);
    const std::string small = lower(text);
    must(may_carry_secret(copy.data(), copy.size()) ==
             ((holds(small, "password") || holds(small, "://")) &&
              (holds(small, "create") || holds(small, "alter"))),
         "a secret is told by its words");
    const std::string more = text + "ALTER ROLE r PASSWORD 'x'";
    must(may_carry_secret(more.data(), more.size()), "nothing before it hides a secret");
}

void check_name(const std::string& name) {
    Exactly copy(std::string_view(name.c_str(), name.size() + 1));
    must(length_without_host(copy.data()) <= name.size(), "a name does not grow");
    for (const char* host :
         {" - 10.0.0.7:51034", " - [2001:db8::1]:1", " - unix(4711@web-1):6432"}) {
        must(length_without_host((name + host).c_str()) == name.size(), "the host is taken off");
    }
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(words) {
    const std::string text = Input(data, size).text();
    Exactly copy(std::string_view(text.c_str(), text.size() + 1));
    check_word<Leak>(copy.data(), parse_kind);
    check_word<State>(copy.data(), parse_state);
    check_word<Action>(copy.data(), parse_action);
    check_word<Mode>(copy.data(), parse_mode);
    check_secret(text);
    check_name(text);
}
