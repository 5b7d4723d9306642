// Lines of a card: a label, and a text that is wrapped beside it.
#pragma once

#include <cstddef>
#include <string>

namespace leash::tool {

/// Breaks at blanks; the first line goes behind the label, the others below it.  Width 0
/// never breaks.  The text is printable already.
std::string labelled(const std::string& label, const std::string& text, std::size_t width);

/// Text of several lines, each indented as far as the text of a label, and none broken.
std::string labelled_lines(const std::string& label, const std::string& text);

/// "- text", wrapped.
std::string bullet(const std::string& text, std::size_t width);

/// A paragraph, wrapped without a label.
std::string wrapped(const std::string& text, std::size_t width);

}  // namespace leash::tool
