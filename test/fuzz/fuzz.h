// What the fuzz targets share.  A target is a function that takes bytes as they come and
// aborts when what must hold does not:
//
//     FUZZ_TARGET(glob) { ... data, size ... }
//
// With clang each is a program of its own (libFuzzer's); everywhere else all of them are in
// one that runs the seeds and what is easily made of them (replay.cpp).
#pragma once

#include <cstddef>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <memory>
#include <string>
#include <string_view>

namespace leash::fuzz {

using Target = void (*)(const uint8_t* data, size_t size);

struct Registered {
    Registered(const char* name, Target target);

    const char* name;
    Target target;
    const Registered* next;
};

inline void must(bool holds, const char* what) {
    if (!holds) {
        fprintf(stderr, "does not hold: %s\n", what);
        abort();
    }
}

// Memory of exactly that size, so that a sanitizer sees what is touched beyond it.
class Exactly {
public:
    explicit Exactly(std::string_view text) : Exactly(text.size()) {
        if (!text.empty()) {
            memcpy(bytes_.get(), text.data(), text.size());
        }
    }
    explicit Exactly(size_t size) : bytes_(new char[size]), size_(size) {}

    char* data() { return bytes_.get(); }
    size_t size() const { return size_; }
    std::string_view view() const { return {bytes_.get(), size_}; }

private:
    std::unique_ptr<char[]> bytes_;
    size_t size_;
};

// Takes the input apart.
class Input {
public:
    Input(const uint8_t* data, size_t size)
        : rest_(size == 0 ? "" : reinterpret_cast<const char*>(data), size) {}

    uint8_t byte() {
        if (rest_.empty()) {
            return 0;
        }
        const auto taken = static_cast<uint8_t>(rest_.front());
        rest_.remove_prefix(1);
        return taken;
    }

    uint64_t number() {
        uint64_t value = 0;
        for (int i = 0; i < 8; i++) {
            value = value << 8 | byte();
        }
        return value;
    }

    // Up to a line feed, without zero bytes.
    std::string line() {
        const size_t end = rest_.find('\n');
        std::string taken(rest_.substr(0, end));
        rest_ = end == std::string_view::npos ? std::string_view() : rest_.substr(end + 1);
        std::erase(taken, '\0');
        return taken;
    }

    std::string_view rest() const { return rest_; }

    // The rest as a C string has it.
    std::string text() const {
        std::string taken(rest_);
        std::erase(taken, '\0');
        return taken;
    }

private:
    std::string_view rest_;
};

}  // namespace leash::fuzz

#ifdef PGLEASH_LIBFUZZER
#define FUZZ_TARGET(NAME)                                                     \
    namespace leash::fuzz {                                                   \
    static void target_##NAME(const uint8_t* data, size_t size);              \
    }                                                                         \
    extern "C" int LLVMFuzzerTestOneInput(const uint8_t* data, size_t size) { \
        leash::fuzz::target_##NAME(data, size);                               \
        return 0;                                                             \
    }                                                                         \
    static void leash::fuzz::target_##NAME(const uint8_t* data, size_t size)
#else
#define FUZZ_TARGET(NAME)                                                        \
    namespace leash::fuzz {                                                      \
    static void target_##NAME(const uint8_t* data, size_t size);                 \
    static const Registered registered_##NAME(#NAME, target_##NAME);             \
    }                                                                            \
    static void leash::fuzz::target_##NAME([[maybe_unused]] const uint8_t* data, \
                                           [[maybe_unused]] size_t size)
#endif
