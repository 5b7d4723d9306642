// The file in which shared memory survives a restart: a header, a table of sections,
// their items.  Whatever was changed, cut off or added in it, is noticed.
#pragma once

#include <cstddef>
#include <cstdint>

namespace leash {

inline constexpr char kSavedMagic[8] = {'p', 'g', '_', 'l', 'e', 'a', 's', 'h'};
inline constexpr uint32_t kSavedFormat = 1;
inline constexpr uint32_t kMaxSavedSections = 16;

struct SavedHeader {
    char magic[8];
    uint32_t format;
    uint32_t sections;
    uint64_t system;  // identifier of the cluster
    uint64_t size;    // of the whole file
    uint32_t crc;     // of header and table, this field taken as 0
    uint32_t unused;
};

// Describes itself, so that one section can change without the others.
struct SavedSection {
    char name[16];  // zero-terminated
    uint32_t version;
    uint32_t item_size;
    uint64_t count;
    uint64_t offset;  // from the start of the file; sections follow each other
    uint32_t crc;     // of its items
    uint32_t unused;
};

static_assert(sizeof(SavedHeader) == 40);
static_assert(sizeof(SavedSection) == 48);

enum class SavedProblem : uint8_t { none, damaged, other_format, foreign };

// One phrase that says what is wrong, for example "it is damaged".
const char* describe(SavedProblem problem);

// CRC-32C of the bytes.
using Crc = uint32_t (*)(const void* bytes, size_t size);

// Completes header and table: magic, offsets, size, the checksum of both.  The sections'
// own checksums are there already.  `table` follows the header in memory as in the file.
void seal_saved(SavedHeader& header, SavedSection* table, Crc crc);

// Whether the bytes of a file, aligned to 8, are one that seal_saved() made for this
// cluster, from the first to the last.
SavedProblem check_saved(const char* bytes, size_t size, uint64_t system, Crc crc);

// The table of a file that was checked.
const SavedSection* saved_table(const char* bytes);

}  // namespace leash
