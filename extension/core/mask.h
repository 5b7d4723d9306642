// Takes the literals out of a statement's text, so that it can be stored and shown
// without the data in it: every string, number and bit string becomes "?".
//
// PostgreSQL keeps no normalised text, so this reads the text as its lexer does (the
// manual's chapter "Lexical Structure"): quotes of every kind, dollar quotes, nested
// comments.  Comments go too: tags were read from them before, and they can hold
// anything.  White space is folded, and of a list of literals the first stays
// ("IN (?, ...)").  The code of DO is masked like a statement.  What ends in the middle of a
// literal was cut there.
#pragma once

#include <cstddef>

namespace leash {

struct MaskOptions {
    bool backslash_escapes;  // in plain '...' too: standard_conforming_strings is off
};

// Writes at most `size` bytes, no terminating zero, and returns how many.  Bytes above
// 127 are letters, so any encoding that PostgreSQL takes on the server side will do; a
// result that fills `size` may end within a character.
size_t mask_literals(const char* text, size_t length, const MaskOptions& options, char* buffer,
                     size_t size);

}  // namespace leash
