// The load of bench/stores: one session that runs some kinds of statements, and reads
// in valgrind's trace of its backend where each stored.
//
// The trace of a kind of statement is what has been written between two moments at
// which the backend slept.  Which slot is the session's own tells the trace as well: it
// is the first one stored into, at login.
#include "footprint.h"
#include "load.h"

#include <sched.h>

#include <array>
#include <chrono>
#include <cstdint>
#include <cstdio>
#include <cstdlib>
#include <fstream>
#include <string>
#include <thread>

namespace {

using load::Connection;
using load::must;
using load::Result;

// As the server's log tells it.
struct Layout {
    uint64_t state;
    uint64_t slots;
    uint64_t slot_size;
    uint64_t slot_count;
    uint64_t end;
    uint64_t locks;
    uint64_t locks_size;
};

Layout read_layout(const char* text) {
    unsigned long state = 0, size = 0, slots = 0, end = 0, lock_size = 0, locks = 0;
    unsigned count = 0, lock_count = 0;
    if (std::sscanf(text,
                    "state 0x%lx, %u slots of %lu bytes from 0x%lx, end 0x%lx, %u locks of %lu "
                    "bytes from 0x%lx",
                    &state, &count, &size, &slots, &end, &lock_count, &lock_size, &locks) != 8) {
        load::fail("layout", text);
    }
    return {state, slots, size, count, end, locks, lock_count * lock_size};
}

enum Part { own_slot, other_slots, state, rest, locks, elsewhere };
constexpr int kParts = elsewhere;
constexpr const char* kPartNames[kParts] = {"own slot", "other slots", "state", "rest", "locks"};

class Trace {
public:
    Trace(const std::string& path, const Layout& layout) : path_(path), layout_(layout) {
        find_own_slot();
    }

    long length() const {
        std::ifstream file(path_, std::ios::ate);
        return static_cast<long>(file.tellg());
    }

    using Counts = std::array<long, kParts + 1>;

    // Stores by part, between two offsets of the file.
    Counts count(long from, long to) const {
        Counts counts{};
        std::ifstream file(path_);
        file.seekg(from);
        std::string line;
        while (file.tellg() < to && std::getline(file, line)) {
            uint64_t address = 0;
            uint64_t size = 0;
            if (is_store(line, address, size)) {
                counts[part_of(address, size)]++;
            }
        }
        return counts;
    }

    footprint::Footprint footprint(long from, long to, const footprint::Code& code) const {
        return {path_, from, to, code};
    }

private:
    // " S address,size" is a store, " M address,size" a load and store.
    static bool is_store(const std::string& line, uint64_t& address, uint64_t& size) {
        if (line.size() < 4 || line[0] != ' ' || (line[1] != 'S' && line[1] != 'M')) {
            return false;
        }
        char* end = nullptr;
        address = std::strtoull(line.c_str() + 2, &end, 16);
        size = *end == ',' ? std::strtoull(end + 1, nullptr, 10) : 0;
        return size > 0;
    }

    bool is_within(uint64_t address, uint64_t size, uint64_t from, uint64_t length) const {
        return address < from + length && address + size > from;
    }

    // A store that crosses a border belongs to the worse side.
    Part part_of(uint64_t address, uint64_t size) const {
        const Layout& at = layout_;
        if (is_within(address, size, at.locks, at.locks_size)) {
            return locks;
        }
        if (!is_within(address, size, at.state, at.end - at.state)) {
            return elsewhere;
        }
        if (is_within(address, size, at.state, at.slots - at.state)) {
            return state;
        }
        const uint64_t all_slots = at.slot_size * at.slot_count;
        if (address + size > at.slots + all_slots) {
            return rest;
        }
        const uint64_t own = at.slots + own_ * at.slot_size;
        const bool inside = address >= own && address + size <= own + at.slot_size;
        return inside ? own_slot : other_slots;
    }

    void find_own_slot() {
        std::ifstream file(path_);
        std::string line;
        while (std::getline(file, line)) {
            uint64_t address = 0;
            uint64_t size = 0;
            if (is_store(line, address, size) && address >= layout_.slots &&
                address < layout_.slots + layout_.slot_size * layout_.slot_count) {
                own_ = (address - layout_.slots) / layout_.slot_size;
                return;
            }
        }
        load::fail(path_.c_str(), "no store into a session's slot: is this the backend's trace?");
    }

    std::string path_;
    Layout layout_;
    uint64_t own_ = 0;
};

// Waits until the backend sleeps, and so has written its trace.
void await_sleep(PGconn* connection) {
    const std::string path = "/proc/" + std::to_string(PQbackendPID(connection)) + "/stat";
    for (;;) {
        std::FILE* const file = std::fopen(path.c_str(), "r");
        char state = 0;
        if (file == nullptr || std::fscanf(file, "%*d (%*[^)]) %c", &state) != 1) {
            load::fail(path.c_str(), "cannot read it");
        }
        std::fclose(file);
        if (state == 'S') {
            return;
        }
        sched_yield();
    }
}

void execute(PGconn* connection, const char* name) {
    const Result result(PQexecPrepared(connection, name, 0, nullptr, nullptr, nullptr, 0));
    if (!load::worked(result.get())) {
        load::fail(name, PQerrorMessage(connection));
    }
}

void prepare(PGconn* connection, const char* name, const char* sql) {
    const Result result(PQprepare(connection, name, sql, 0, nullptr));
    if (!load::worked(result.get())) {
        load::fail(sql, PQerrorMessage(connection));
    }
}

struct Kind {
    const char* name;
    void (*run)(PGconn*);
};

constexpr Kind kKinds[] = {
    {"prepared SELECT 1", [](PGconn* c) { execute(c, "select"); }},
    {"simple SELECT 1", [](PGconn* c) { must(c, "SELECT 1"); }},
    {"simple SELECT 1 with a tag",
     [](PGconn* c) { must(c, "SELECT 1 /*route='%2Fapi%2Forders'*/"); }},
    {"prepared BEGIN, SELECT 1, COMMIT",
     [](PGconn* c) {
         execute(c, "begin");
         execute(c, "select");
         execute(c, "commit");
     }},
    {"simple BEGIN, INSERT, COMMIT",
     [](PGconn* c) {
         must(c, "BEGIN");
         must(c, "INSERT INTO stores_load VALUES (1)");
         must(c, "COMMIT");
     }},
    {"SELECT from a table", [](PGconn* c) { must(c, "SELECT count(*) FROM stores_load"); }},
    {"a statement that fails", [](PGconn* c) { Result(PQexec(c, "SELECT 1 / 0")); }},
};

void print_heading() {
    std::printf("%-34s", "per statement or transaction");
    for (const char* const part : kPartNames) {
        std::printf(" %11s", part);
    }
    std::printf("\n");
}

// Returns whether it stored nowhere but in its own slot.
bool print_row(const Kind& kind, const Trace::Counts& counts, long statements) {
    std::printf("%-34s", kind.name);
    bool own_alone = counts[own_slot] > 0;
    for (int part = 0; part < kParts; part++) {
        const long count = counts[static_cast<size_t>(part)];
        std::printf(" %11.1f", static_cast<double>(count) / static_cast<double>(statements));
        own_alone &= part == own_slot || count == 0;
    }
    std::printf("  %s\n", own_alone ? "ok" : "OUTSIDE");
    std::fflush(stdout);
    return own_alone;
}

bool measure(PGconn* connection, const Trace& trace, const Kind& kind, long statements) {
    for (int i = 0; i < 10; i++) {
        kind.run(connection);  // fills caches, and decides for a generic plan
    }
    await_sleep(connection);
    const long from = trace.length();
    for (long i = 0; i < statements; i++) {
        kind.run(connection);
    }
    await_sleep(connection);
    return print_row(kind, trace.count(from, trace.length()), statements);
}

// Of the first kind, the shortest there is.
void print_footprint(PGconn* connection, const Trace& trace, long statements) {
    const footprint::Code code = footprint::find_code(PQbackendPID(connection), "/pg_leash.so");
    await_sleep(connection);
    const long from = trace.length();
    for (long i = 0; i < statements; i++) {
        kKinds[0].run(connection);
    }
    await_sleep(connection);
    const footprint::Footprint touched = trace.footprint(from, trace.length(), code);
    std::printf("\n%s touches, and PostgreSQL does not:\n", kKinds[0].name);
    std::printf("%4ld lines of code in %ld pages\n", touched.code_lines.alone(statements),
                touched.code_pages.alone(statements));
    std::printf("%4ld lines of data in %ld pages\n", touched.data_lines.alone(statements),
                touched.data_pages.alone(statements));
}

}  // namespace

int main(int argc, char** argv) {
    const long statements = argc == 4 ? std::atol(argv[3]) : 0;
    if (statements <= 0) {
        std::fputs("Usage: stores_load TRACE-FOLDER LAYOUT STATEMENTS\n", stderr);
        return 2;
    }
    const Connection connection = load::connect("stores", nullptr);
    must(connection.get(), "SET log_min_messages = warning");
    must(connection.get(), "CREATE TABLE stores_load (id int)");
    prepare(connection.get(), "begin", "BEGIN");
    prepare(connection.get(), "select", "SELECT 1");
    prepare(connection.get(), "commit", "COMMIT");
    // Under valgrind a statement takes long; none of these is to be a slow one.
    must(connection.get(), "SET pg_leash.slow_statement_threshold = '1h'");
    await_sleep(connection.get());
    const Trace trace(std::string(argv[1]) + "/" + std::to_string(PQbackendPID(connection.get())),
                      read_layout(argv[2]));
    print_heading();
    bool own_alone = true;
    for (const Kind& kind : kKinds) {
        own_alone &= measure(connection.get(), trace, kind, statements);
    }
    print_footprint(connection.get(), trace, statements);
    std::printf("\n%s\n", own_alone ? "Each stored into its session's own slot alone"
                                    : "Some stored outside of their session's own slot");
    return own_alone ? 0 : 1;
}
