// Writes made-up evidence as a snapshot, for tests and pictures of reports:
//     sample_snapshot NAME FILE
#include <cstdio>
#include <exception>

#include "evidence/file.h"
#include "report_samples.h"

int main(int argc, char** argv) {
    if (argc != 3) {
        std::fputs("Usage: sample_snapshot NAME FILE\n", stderr);
        return 2;
    }
    try {
        leash::tool::save_evidence(leash::tool::sample_named(argv[1]), argv[2]);
        return 0;
    } catch (const std::exception& error) {
        std::fprintf(stderr, "sample_snapshot: %s\n", error.what());
        return 1;
    }
}
