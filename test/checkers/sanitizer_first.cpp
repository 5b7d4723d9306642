// Loaded with the sanitizers into a PostgreSQL that was built without them, and linked so that
// its constructor is the first of all.  Otherwise AddressSanitizer wakes up at the first
// allocation, and where that is libgpg-error's, within bindtextdomain(), it calls gettext under
// gettext's lock.
#include <cstdio>
#include <cstdlib>
#include <unistd.h>

extern "C" {
void __ubsan_get_current_report_data(const char** kind, const char** message, const char** file,
                                     unsigned* line, unsigned* column, char** address);
void __sanitizer_print_stack_trace();
}

__attribute__((constructor)) static void wake_sanitizer() {
    static void* volatile memory = std::malloc(1);
    std::free(memory);
}

// UndefinedBehaviorSanitizer beside the other one writes to standard error, whatever its
// options say, and calls this before it does.
extern "C" __attribute__((visibility("default"))) void __ubsan_on_report() {
    const char* kind = "";
    const char* message = "";
    const char* file = "";
    unsigned line = 0;
    unsigned column = 0;
    char* address = nullptr;
    __ubsan_get_current_report_data(&kind, &message, &file, &line, &column, &address);
    char path[4096];
    std::snprintf(path, sizeof path, "%s/behavior.%d", REPORTS, static_cast<int>(getpid()));
    if (std::FILE* report = std::fopen(path, "a")) {
        std::fprintf(report, "%s:%u:%u: runtime error: %s\n", file, line, column, message);
        std::fclose(report);
    }
    __sanitizer_print_stack_trace();
    std::abort();
}
