#include "core/saved_file.h"

#include <vector>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

constexpr uint64_t kSystem = 42;

uint32_t no_crc(const void*, size_t) {
    return 0;
}

uint32_t crc32c(const void* bytes, size_t size) {
    const auto* at = static_cast<const unsigned char*>(bytes);
    uint32_t crc = 0xffffffff;
    while (size-- > 0) {
        crc ^= *at++;
        for (int i = 0; i < 8; i++) {
            crc = (crc >> 1) ^ ((crc & 1) != 0 ? 0x82f63b78 : 0);
        }
    }
    return ~crc;
}

// Everything that a file which was checked says it has can be read.
void read_all(const char* bytes, size_t size) {
    SavedHeader header;
    memcpy(&header, bytes, sizeof header);
    uint64_t sum = 0;
    for (uint32_t i = 0; i < header.sections; i++) {
        const SavedSection& section = saved_table(bytes)[i];
        must(strlen(section.name) < sizeof section.name, "a section's name has an end");
        for (uint64_t at = 0; at < section.count * section.item_size; at++) {
            must(section.offset + at < size, "a section lies within its file");
            sum += static_cast<unsigned char>(bytes[section.offset + at]);
        }
    }
    must(sum <= 255 * size, "sections do not overlap");
}

// Bytes that anybody may have put there, with checksums that do not stop them.
void check_any(std::string_view bytes) {
    Exactly copy(bytes);
    const SavedProblem problem = check_saved(copy.data(), copy.size(), kSystem, no_crc);
    if (problem == SavedProblem::none) {
        read_all(copy.data(), copy.size());
    } else {
        must(describe(problem)[0] != '\0', "a problem has a name");
    }
}

std::vector<char> make_file(Input input) {
    const uint32_t sections = input.byte() % (kMaxSavedSections + 1);
    std::vector<char> bytes(sizeof(SavedHeader) + sections * sizeof(SavedSection));
    std::vector<char> items;
    SavedHeader header{};
    header.sections = sections;
    header.system = kSystem;
    memcpy(bytes.data(), &header, sizeof header);
    for (uint32_t i = 0; i < sections; i++) {
        SavedSection section{};
        snprintf(section.name, sizeof section.name, "section %u", i);
        section.item_size = input.byte() % 16 + 1u;
        section.count = input.byte() % 8;
        std::vector<char> content(section.item_size * section.count);
        for (char& c : content) {
            c = static_cast<char>(input.byte());
        }
        section.crc = crc32c(content.data(), content.size());
        memcpy(bytes.data() + sizeof header + i * sizeof section, &section, sizeof section);
        items.insert(items.end(), content.begin(), content.end());
    }
    seal_saved(*reinterpret_cast<SavedHeader*>(bytes.data()),
               reinterpret_cast<SavedSection*>(bytes.data() + sizeof header), crc32c);
    bytes.insert(bytes.end(), items.begin(), items.end());
    return bytes;
}

// What was sealed is accepted, and with any one bit changed it is not.
void check_sealed(Input input) {
    const uint64_t where = input.number();
    std::vector<char> bytes = make_file(input);
    must(check_saved(bytes.data(), bytes.size(), kSystem, crc32c) == SavedProblem::none,
         "a file that was sealed is accepted");
    must(check_saved(bytes.data(), bytes.size(), kSystem + 1, crc32c) == SavedProblem::foreign,
         "that of another cluster is not");
    read_all(bytes.data(), bytes.size());
    const uint64_t bit = where % (8 * bytes.size());
    bytes[bit / 8] = static_cast<char>(bytes[bit / 8] ^ 1 << bit % 8);
    must(check_saved(bytes.data(), bytes.size(), kSystem, crc32c) != SavedProblem::none,
         "a bit that was changed is noticed");
}

}  // namespace
}  // namespace leash::fuzz

FUZZ_TARGET(saved_file) {
    const Input input(data, size);
    check_any(input.rest());
    check_sealed(input);
}
