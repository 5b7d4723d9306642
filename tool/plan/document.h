// A page before anybody decides how it is written: blocks in order, with texts as words.h
// marks them.  Escaping is the writers' part, and theirs alone.
#pragma once

#include <string>
#include <vector>

namespace leash::tool::plan {

struct Block {
    enum class Kind { kHeading, kParagraph, kList, kTable, kCode };

    Kind kind = Kind::kParagraph;
    int level = 2;                               ///< of a heading
    std::string label;                           ///< of a paragraph: printed bold in front of it
    std::string text;                            ///< of a heading, a paragraph, or code
    std::string language;                        ///< of code
    std::vector<std::string> items;              ///< of a list
    std::vector<std::string> head;               ///< of a table
    std::vector<std::vector<std::string>> rows;  ///< as many cells as head
};

struct Document {
    std::string title;  ///< the first heading
    std::vector<Block> blocks;

    void heading(int level, std::string text);
    void paragraph(std::string text, std::string label = {});
    void list(std::vector<std::string> items);
    void table(std::vector<std::string> head, std::vector<std::vector<std::string>> rows);
    void code(std::string language, std::string text);

private:
    Block& add(Block::Kind kind);
};

/// CommonMark with tables, as GitHub reads it.
std::string markdown_of(const Document& document);

/// One file that needs nothing else and runs nothing.
std::string html_of(const Document& document);

}  // namespace leash::tool::plan
