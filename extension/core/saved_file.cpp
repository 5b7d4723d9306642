#include "saved_file.h"

#include <cstring>

namespace leash {
namespace {

size_t head_size(uint32_t sections) {
    return sizeof(SavedHeader) + sections * sizeof(SavedSection);
}

// Header and table are a few hundred bytes: they are copied to blank the field.
uint32_t crc_of_head(const SavedHeader& header, const SavedSection* table, Crc crc) {
    alignas(8) char head[sizeof(SavedHeader) + kMaxSavedSections * sizeof(SavedSection)];
    SavedHeader blank = header;
    blank.crc = 0;
    memcpy(head, &blank, sizeof blank);
    memcpy(head + sizeof blank, table, header.sections * sizeof(SavedSection));
    return crc(head, head_size(header.sections));
}

// The items of one section end where `offset` then points to, inside the file.
bool is_sound(const SavedSection& section, const char* bytes, uint64_t& offset, size_t size,
              Crc crc) {
    if (memchr(section.name, '\0', sizeof section.name) == nullptr || section.item_size == 0 ||
        section.offset != offset || section.count > (size - offset) / section.item_size) {
        return false;
    }
    const uint64_t length = section.count * section.item_size;
    if (crc(bytes + offset, length) != section.crc) {
        return false;
    }
    offset += length;
    return true;
}

}  // namespace

const char* describe(SavedProblem problem) {
    switch (problem) {
        case SavedProblem::damaged:
            return "it is damaged";
        case SavedProblem::other_format:
            return "it is of another version of pg_leash";
        case SavedProblem::foreign:
            return "it is of another database cluster";
        case SavedProblem::none:
            break;
    }
    return "";
}

void seal_saved(SavedHeader& header, SavedSection* table, Crc crc) {
    memcpy(header.magic, kSavedMagic, sizeof header.magic);
    header.format = kSavedFormat;
    header.unused = 0;
    uint64_t offset = head_size(header.sections);
    for (uint32_t i = 0; i < header.sections; i++) {
        table[i].unused = 0;
        table[i].offset = offset;
        offset += table[i].count * table[i].item_size;
    }
    header.size = offset;
    header.crc = crc_of_head(header, table, crc);
}

SavedProblem check_saved(const char* bytes, size_t size, uint64_t system, Crc crc) {
    SavedHeader header;
    if (size < sizeof header) {
        return SavedProblem::damaged;
    }
    memcpy(&header, bytes, sizeof header);
    if (memcmp(header.magic, kSavedMagic, sizeof header.magic) != 0) {
        return SavedProblem::damaged;
    }
    if (header.format != kSavedFormat) {
        return SavedProblem::other_format;
    }
    if (header.sections > kMaxSavedSections || header.size != size ||
        size < head_size(header.sections) ||
        crc_of_head(header, saved_table(bytes), crc) != header.crc) {
        return SavedProblem::damaged;
    }
    uint64_t offset = head_size(header.sections);
    for (uint32_t i = 0; i < header.sections; i++) {
        if (!is_sound(saved_table(bytes)[i], bytes, offset, size, crc)) {
            return SavedProblem::damaged;
        }
    }
    if (offset != size) {
        return SavedProblem::damaged;
    }
    return header.system == system ? SavedProblem::none : SavedProblem::foreign;
}

const SavedSection* saved_table(const char* bytes) {
    return reinterpret_cast<const SavedSection*>(bytes + sizeof(SavedHeader));
}

}  // namespace leash
