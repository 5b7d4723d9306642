// Texts that must not be stored.
#pragma once

#include <cstddef>

namespace leash {

// What stands in their place.
inline constexpr char kHiddenText[] = "<not stored: could carry a password>";

// Whether a text that no parser has vouched for may hold a password: it speaks of
// a password (or holds a URI) and creates or alters something.  Errs on the side
// of true.
bool may_carry_secret(const char* text, size_t length);

}  // namespace leash
