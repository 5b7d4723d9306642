// Tags that an application attached to a statement in an sqlcommenter comment:
//     SELECT ... /*route='%2Fcart',controller='pay'*/
// Source: the sqlcommenter specification (comment at the end or the start of the
// statement, keys and values URL-encoded, values in single quotes).
#pragma once

#include <cstddef>
#include <string_view>

namespace leash {

inline constexpr size_t kTagSize = 256;  // a key or value, decoded, with its zero
inline constexpr int kMaxTags = 16;

// The comment that can hold a statement's tags, with its marks: the one at the end, else
// the one at the start; empty when there is neither.
std::string_view comment_of(const char* text, size_t length);

// Whether a text is nothing but comments and blanks.  18 cuts such a beginning off a
// statement, and with it the tags that stand there.
bool only_comments(const char* text, size_t length);

// Walks the tags of one statement.  The text need not be well formed: what is no
// tag ends the walk, an over-long key or value is cut.
class TagReader {
public:
    TagReader(const char* text, size_t length);

    // Decodes the next tag into key and value (zero-terminated); false at the end.
    bool next(char (&key)[kTagSize], char (&value)[kTagSize]);

private:
    const char* at_ = nullptr;
    const char* end_ = nullptr;
    int count_ = 0;
};

}  // namespace leash
