// Runs one target on its seeds: each as it is, cut at every byte, and with every byte
// changed.  For compilers that have no libFuzzer.
#include <algorithm>
#include <filesystem>
#include <fstream>
#include <iterator>
#include <vector>

#include "fuzz.h"

namespace leash::fuzz {
namespace {

const Registered* first = nullptr;

std::vector<char> contents_of(const std::filesystem::path& path) {
    std::ifstream file(path, std::ios::binary);
    return {std::istreambuf_iterator<char>(file), std::istreambuf_iterator<char>()};
}

// Memory of exactly that size.
void run(Target target, const char* bytes, size_t size) {
    const std::vector<uint8_t> copy(bytes, bytes + size);
    target(copy.data(), copy.size());
}

size_t run_seed(Target target, std::vector<char> bytes) {
    run(target, bytes.data(), bytes.size());
    const size_t step = std::max<size_t>(1, bytes.size() / 512);
    size_t inputs = 1;
    for (size_t i = 0; i < bytes.size(); i += step) {
        run(target, bytes.data(), i);
        inputs++;
        const char was = bytes[i];
        for (const int other : {was ^ 1, was ^ 0x80, int{'\''}, int{'9'}}) {
            bytes[i] = static_cast<char>(other);
            run(target, bytes.data(), bytes.size());
            inputs++;
        }
        bytes[i] = was;
    }
    return inputs;
}

int replay(const char* name, const char* folder) {
    const Registered* found = first;
    while (found != nullptr && strcmp(found->name, name) != 0) {
        found = found->next;
    }
    if (found == nullptr) {
        fprintf(stderr, "there is no target %s\n", name);
        return 2;
    }
    size_t seeds = 0;
    size_t inputs = 0;
    for (const auto& entry : std::filesystem::directory_iterator(folder)) {
        inputs += run_seed(found->target, contents_of(entry.path()));
        seeds++;
    }
    printf("%s: %zu seeds, %zu inputs\n", name, seeds, inputs);
    return seeds > 0 ? 0 : 1;
}

}  // namespace

Registered::Registered(const char* its_name, Target its_target)
    : name(its_name), target(its_target), next(first) {
    first = this;
}

}  // namespace leash::fuzz

int main(int argc, char** argv) {
    if (argc != 3) {
        fprintf(stderr, "usage: %s TARGET FOLDER\n", argv[0]);
        return 2;
    }
    return leash::fuzz::replay(argv[1], argv[2]);
}
