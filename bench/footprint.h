// What memory pg_leash touches for a statement and PostgreSQL does not, from lackey's trace of
// all that a backend executes, loads and stores.
//
// Instructions are only a part of what code costs: after each switch of processes the
// processor has to find every page anew, and much of the memory in them.
#pragma once

#include "load.h"

#include <cstdint>
#include <fstream>
#include <set>
#include <string>
#include <unordered_map>

namespace footprint {

/// Where a library's code lies in a process.
struct Code {
    uint64_t begin = 0;
    uint64_t end = 0;

    bool has(uint64_t address) const { return address >= begin && address < end; }
};

inline Code find_code(int pid, const std::string& library) {
    std::ifstream maps("/proc/" + std::to_string(pid) + "/maps");
    std::string line;
    while (std::getline(maps, line)) {
        unsigned long begin = 0, end = 0;
        char access[5] = "";
        if (line.ends_with(library) &&
            std::sscanf(line.c_str(), "%lx-%lx %4s", &begin, &end, access) == 3 &&
            access[2] == 'x') {
            return {begin, end};
        }
    }
    load::fail(library.c_str(), "is not in the process's memory");
}

/// Lines of the cache, or pages: blocks of memory of one size.
class Blocks {
public:
    explicit Blocks(unsigned bits) : bits_(bits) {}

    void touch(uint64_t address, uint64_t size, bool ours) {
        for (uint64_t block = address >> bits_; block <= (address + size - 1) >> bits_; block++) {
            if (ours) {
                ours_[block]++;
            } else {
                others_.insert(block);
            }
        }
    }

    /// How many were touched by us at least so often, and by nothing else.
    long alone(long times) const {
        long count = 0;
        for (const auto& [block, touched] : ours_) {
            count += touched >= times && !others_.contains(block) ? 1 : 0;
        }
        return count;
    }

private:
    unsigned bits_;
    std::unordered_map<uint64_t, long> ours_;
    std::set<uint64_t> others_;
};

/// What a part of a trace touched: " I address,size" is an instruction, of which the lines
/// below it (" L", " S", " M") tell what it touched.
class Footprint {
public:
    Footprint(const std::string& path, long from, long to, const Code& code) {
        std::ifstream file(path);
        file.seekg(from);
        std::string line;
        bool ours = false;
        while (file.tellg() < to && std::getline(file, line)) {
            if (line.size() < 4 || (line[0] != ' ' && line[0] != 'I')) {
                continue;
            }
            char* end = nullptr;
            const uint64_t address = std::strtoull(line.c_str() + 2, &end, 16);
            const uint64_t size = *end == ',' ? std::strtoull(end + 1, nullptr, 10) : 0;
            if (size == 0) {
                continue;
            }
            const bool executes = line[0] == 'I';
            ours = executes ? code.has(address) : ours;
            (executes ? code_lines : data_lines).touch(address, size, ours);
            (executes ? code_pages : data_pages).touch(address, size, ours);
        }
    }

    Blocks code_lines{6};
    Blocks code_pages{12};
    Blocks data_lines{6};
    Blocks data_pages{12};
};

}  // namespace footprint
