#include "core/tags.h"

#include <utility>
#include <vector>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

using Tag = std::pair<std::string, std::string>;

std::vector<Tag> tags_of(std::string_view text) {
    Exactly copy(text);
    const std::string_view comment = comment_of(copy.data(), copy.size());
    must(comment.empty() || (comment.data() >= copy.data() &&
                             comment.data() + comment.size() <= copy.data() + copy.size() &&
                             comment.starts_with("/*") && comment.ends_with("*/")),
         "the comment is one, and in the text");
    (void)only_comments(copy.data(), copy.size());
    TagReader reader(copy.data(), copy.size());
    std::vector<Tag> tags;
    char key[kTagSize];
    char value[kTagSize];
    while (reader.next(key, value)) {
        must(memchr(key, '\0', sizeof key) != nullptr &&
                 memchr(value, '\0', sizeof value) != nullptr,
             "key and value have an end");
        tags.emplace_back(key, value);
        must(tags.size() <= kMaxTags, "there are no more tags than promised");
    }
    return tags;
}

// As sqlcommenter does.
std::string encoded(const std::string& text) {
    static const char kDigits[] = "0123456789ABCDEF";
    std::string out;
    for (const char c : text) {
        const auto byte = static_cast<unsigned char>(c);
        if (isalnum(byte) != 0) {
            out += c;
        } else {
            out += {'%', kDigits[byte >> 4], kDigits[byte & 15]};
        }
    }
    return out;
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(tags) {
    Input input(data, size);
    (void)tags_of(input.rest());

    std::vector<Tag> written;
    std::string comment = "SELECT 1 /*";
    while (!input.rest().empty() && written.size() < kMaxTags) {
        Tag tag{input.line().substr(0, kTagSize - 1), input.line().substr(0, kTagSize - 1)};
        if (tag.first.empty()) {
            continue;
        }
        comment +=
            (written.empty() ? "" : ",") + encoded(tag.first) + "='" + encoded(tag.second) + "'";
        written.push_back(std::move(tag));
    }
    must(tags_of(comment + "*/") == written, "tags read back as they were written");
}
