#include "plan/document.h"

namespace leash::tool::plan {

Block& Document::add(Block::Kind kind) {
    Block& block = blocks.emplace_back();
    block.kind = kind;
    return block;
}

void Document::heading(int level, std::string text) {
    Block& block = add(Block::Kind::kHeading);
    block.level = level;
    block.text = std::move(text);
}

void Document::paragraph(std::string text, std::string label) {
    Block& block = add(Block::Kind::kParagraph);
    block.label = std::move(label);
    block.text = std::move(text);
}

void Document::list(std::vector<std::string> items) {
    if (items.empty()) {
        return;
    }
    Block& block = add(Block::Kind::kList);
    block.items = std::move(items);
}

void Document::table(std::vector<std::string> head, std::vector<std::vector<std::string>> rows) {
    if (rows.empty()) {
        return;
    }
    Block& block = add(Block::Kind::kTable);
    block.head = std::move(head);
    block.rows = std::move(rows);
}

void Document::code(std::string language, std::string text) {
    Block& block = add(Block::Kind::kCode);
    block.language = std::move(language);
    block.text = std::move(text);
}

}  // namespace leash::tool::plan
