#include "secrets.h"

#include <algorithm>
#include <string_view>

namespace leash {
namespace {

char lower(char c) {
    return c >= 'A' && c <= 'Z' ? static_cast<char>(c - 'A' + 'a') : c;
}

bool contains(std::string_view text, std::string_view word) {
    return std::search(text.begin(), text.end(), word.begin(), word.end(),
                       [](char a, char b) { return lower(a) == b; }) != text.end();
}

}  // namespace

bool may_carry_secret(const char* text, size_t length) {
    const std::string_view all(text, length);
    return (contains(all, "password") || contains(all, "://")) &&
           (contains(all, "create") || contains(all, "alter"));
}

}  // namespace leash
