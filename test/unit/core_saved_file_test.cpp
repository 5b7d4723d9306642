#include "core/saved_file.h"

#include <gtest/gtest.h>

#include <cstring>
#include <string>
#include <vector>

namespace leash {
namespace {

constexpr uint64_t kSystem = 42;

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

// A file with these sections: items of four bytes each.
std::vector<char> make_file(const std::vector<std::string>& contents) {
    std::vector<char> bytes(sizeof(SavedHeader) + contents.size() * sizeof(SavedSection));
    auto* const header = reinterpret_cast<SavedHeader*>(bytes.data());
    auto* const table = reinterpret_cast<SavedSection*>(bytes.data() + sizeof(SavedHeader));
    header->sections = static_cast<uint32_t>(contents.size());
    header->system = kSystem;
    for (size_t i = 0; i < contents.size(); i++) {
        snprintf(table[i].name, sizeof table[i].name, "section %zu", i % 100);
        table[i].version = 1;
        table[i].item_size = 4;
        table[i].count = contents[i].size() / 4;
        table[i].crc = crc32c(contents[i].data(), contents[i].size());
    }
    seal_saved(*header, table, crc32c);
    for (const std::string& content : contents) {
        bytes.insert(bytes.end(), content.begin(), content.end());
    }
    return bytes;
}

// In memory of exactly that size, so that a sanitizer sees what is read beyond it.
SavedProblem check(const std::vector<char>& bytes, uint64_t system = kSystem) {
    std::vector<char> copy(bytes);
    return check_saved(copy.data(), copy.size(), system, crc32c);
}

const std::vector<std::vector<std::string>> kContents = {
    {}, {""}, {"aaaabbbb"}, {"aaaa", "", "ccccdddd"}};

TEST(SavedFile, WhatWasWrittenIsSound) {
    for (const auto& contents : kContents) {
        const std::vector<char> bytes = make_file(contents);
        EXPECT_EQ(check(bytes), SavedProblem::none);
        const SavedSection* const table = saved_table(bytes.data());
        for (size_t i = 0; i < contents.size(); i++) {
            EXPECT_EQ(table[i].name, "section " + std::to_string(i));
            EXPECT_EQ(std::string(bytes.data() + table[i].offset, table[i].count * 4), contents[i]);
        }
    }
}

TEST(SavedFile, CutAnywhereIsDamaged) {
    for (const auto& contents : kContents) {
        std::vector<char> bytes = make_file(contents);
        while (!bytes.empty()) {
            bytes.pop_back();
            EXPECT_EQ(check(bytes), SavedProblem::damaged) << bytes.size();
        }
    }
}

TEST(SavedFile, LongerIsDamaged) {
    for (const auto& contents : kContents) {
        std::vector<char> bytes = make_file(contents);
        for (int i = 0; i < 10; i++) {
            bytes.push_back('\0');
            EXPECT_EQ(check(bytes), SavedProblem::damaged);
        }
    }
}

TEST(SavedFile, EachBitCounts) {
    for (const auto& contents : kContents) {
        const std::vector<char> bytes = make_file(contents);
        for (size_t i = 0; i < 8 * bytes.size(); i++) {
            std::vector<char> wrong = bytes;
            wrong[i / 8] = static_cast<char>(wrong[i / 8] ^ (1 << (i % 8)));
            EXPECT_NE(check(wrong), SavedProblem::none) << i;
        }
    }
}

TEST(SavedFile, AnotherFormatIsSaidToBeOne) {
    std::vector<char> bytes = make_file({"aaaa"});
    reinterpret_cast<SavedHeader*>(bytes.data())->format++;
    EXPECT_EQ(check(bytes), SavedProblem::other_format);
}

TEST(SavedFile, AnotherClusterIsSaidToBeOne) {
    EXPECT_EQ(check(make_file({"aaaa"}), kSystem + 1), SavedProblem::foreign);
}

// Whoever can make the checksum right gets no further than the file is long.
TEST(SavedFile, SectionsAreInsideTheFile) {
    for (const uint64_t count : {uint64_t{2}, uint64_t{3}, ~uint64_t{0}, ~uint64_t{0} / 4 + 2}) {
        std::vector<char> bytes = make_file({"aaaa"});
        auto* const header = reinterpret_cast<SavedHeader*>(bytes.data());
        auto* const table = reinterpret_cast<SavedSection*>(bytes.data() + sizeof(SavedHeader));
        const uint64_t size = header->size;
        table->count = count;
        seal_saved(*header, table, crc32c);
        header->size = size;
        header->crc = 0;
        header->crc = crc32c(bytes.data(), sizeof(SavedHeader) + sizeof(SavedSection));
        EXPECT_EQ(check(bytes), SavedProblem::damaged) << count;
    }
}

TEST(SavedFile, ProblemsHaveWords) {
    EXPECT_STREQ(describe(SavedProblem::damaged), "it is damaged");
    EXPECT_STREQ(describe(SavedProblem::none), "");
}

}  // namespace
}  // namespace leash
