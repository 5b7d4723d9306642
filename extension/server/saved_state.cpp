#include "server/saved_state.h"

#include "server/debug_stop.h"
#include "server/history.h"
#include "server/reap_journal.h"
#include "server/saved_statistics.h"

#include "core/saved_file.h"

#include <cerrno>
#include <cstdlib>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

extern "C" {
#include "access/xlog.h"
#include "port/pg_crc32c.h"
#include "storage/fd.h"
#include "storage/ipc.h"
}

namespace leash {
namespace {

constexpr const char* kFile = PG_STAT_TMP_DIR "/pg_leash.stat";
constexpr const char* kNewFile = PG_STAT_TMP_DIR "/pg_leash.stat.tmp";
constexpr const char* kBadFile = PG_STAT_TMP_DIR "/pg_leash.stat.bad";
constexpr size_t kLargest = size_t{4} << 30;  // no file of ours is that large

const SavedPart kParts[] = {
    {"reap_log", 1, sizeof(ReapRecord), journal_collect, journal_restore, journal_changes},
    {"applications", 2, sizeof(Application), collect_applications, restore_applications,
     application_changes},
    {"slow_statements", 1, sizeof(SlowStatement), collect_slow_statements, restore_slow_statements,
     slow_statement_changes},
    {"history", 1, sizeof(HistoryRow), collect_history, restore_history, history_changes},
    {"slow_summary", 1, sizeof(SlowSummary), collect_summaries, restore_summaries, summary_changes},
};
constexpr uint32_t kPartCount = lengthof(kParts);
static_assert(kPartCount <= kMaxSavedSections);

uint64_t saved_changes[kPartCount];  // as of the last time that this process saved them
bool saved_once = false;

uint32_t crc32c(const void* bytes, size_t size) {
    pg_crc32c crc;
    INIT_CRC32C(crc);
    COMP_CRC32C(crc, bytes, size);
    FIN_CRC32C(crc);
    return crc;
}

// --- writing -----------------------------------------------------------------

// What is to be written, as long as it takes.
struct Outgoing {
    SavedHeader header;
    SavedSection table[kPartCount];
    void* items[kPartCount];
};

bool collect(Outgoing& out) {
    bool complete = true;
    out.header.sections = kPartCount;
    out.header.system = GetSystemIdentifier();
    for (uint32_t i = 0; i < kPartCount; i++) {
        SavedSection& section = out.table[i];
        strlcpy(section.name, kParts[i].name, sizeof section.name);
        section.version = kParts[i].version;
        section.item_size = kParts[i].item_size;
        out.items[i] = kParts[i].collect(section.count);
        complete = complete && out.items[i] != nullptr;
        if (out.items[i] != nullptr) {
            section.crc = crc32c(out.items[i], section.count * section.item_size);
        }
    }
    seal_saved(out.header, out.table, crc32c);
    return complete;
}

bool write_all(int fd, const void* bytes, size_t size) {
    const auto* at = static_cast<const char*>(bytes);
    while (size > 0) {
        errno = 0;
        const ssize_t written = write(fd, at, size);
        if (written < 0 && errno == EINTR) {
            continue;
        }
        if (written <= 0) {
            errno = errno != 0 ? errno : ENOSPC;
            return false;
        }
        at += written;
        size -= static_cast<size_t>(written);
    }
    return true;
}

bool write_file(const Outgoing& out) {
    const int fd = OpenTransientFilePerm(kNewFile, O_WRONLY | O_CREAT | O_TRUNC | PG_BINARY, 0600);
    if (fd < 0) {
        return false;
    }
    // Whatever the cluster allows its group: there are texts of statements in it.
    bool written = fchmod(fd, 0600) == 0 && write_all(fd, &out.header, sizeof out.header) &&
                   write_all(fd, out.table, sizeof out.table);
    for (uint32_t i = 0; i < kPartCount && written; i++) {
        written = write_all(fd, out.items[i], out.table[i].count * out.table[i].item_size);
    }
    const int problem = errno;
    if (CloseTransientFile(fd) != 0 && written) {
        return false;
    }
    errno = problem;
    return written;
}

void write_state() {
    auto* const out = static_cast<Outgoing*>(calloc(1, sizeof(Outgoing)));
    if (out == nullptr || !collect(*out)) {
        ereport(LOG, (errcode(ERRCODE_OUT_OF_MEMORY),
                      errmsg("out of memory while saving statistics of pg_leash")));
    } else if (!write_file(*out)) {
        ereport(LOG,
                (errcode_for_file_access(), errmsg("could not write file \"%s\": %m", kNewFile)));
        unlink(kNewFile);
    } else {
        debug_stop("saving");
        // Makes the contents durable, then the name.
        (void)durable_rename(kNewFile, kFile, LOG);
    }
    for (uint32_t i = 0; out != nullptr && i < kPartCount; i++) {
        free(out->items[i]);
    }
    free(out);
}

void save_at_exit(int code, Datum) {
    if (code == 0 && shared() != nullptr) {
        write_state();
    }
}

// --- reading -----------------------------------------------------------------

// Reads all of it into memory from malloc(); null when there is no file, or when it
// cannot be read, which is reported.
char* read_file(size_t& size) {
    struct stat facts;
    char* bytes = nullptr;
    const int fd = OpenTransientFile(kFile, O_RDONLY | PG_BINARY);
    bool complete = fd >= 0 && fstat(fd, &facts) == 0;
    if (complete) {
        size = Min(static_cast<size_t>(facts.st_size), kLargest);
        bytes = static_cast<char*>(malloc(Max(size, 1)));
        complete = bytes != nullptr;
    }
    for (size_t read_so_far = 0; complete && read_so_far < size;) {
        const ssize_t got = read(fd, bytes + read_so_far, size - read_so_far);
        if (got == 0) {
            size = read_so_far;  // shorter than it was: the check will tell
        } else if (got > 0) {
            read_so_far += static_cast<size_t>(got);
        } else if (errno != EINTR) {
            complete = false;
        }
    }
    if (!complete && errno != ENOENT) {
        ereport(WARNING,
                (errcode_for_file_access(), errmsg("could not read file \"%s\": %m", kFile),
                 errdetail("pg_leash starts without its saved statistics.")));
    }
    if (fd >= 0) {
        (void)CloseTransientFile(fd);
    }
    if (!complete) {
        free(bytes);
        bytes = nullptr;
    }
    return bytes;
}

void set_aside(const char* why) {
    ereport(WARNING, (errcode(ERRCODE_DATA_CORRUPTED),
                      errmsg("saved statistics of pg_leash are not loaded: %s", why),
                      errdetail("File \"%s\" is renamed to \"%s\".", kFile, kBadFile)));
    (void)durable_rename(kFile, kBadFile, LOG);
}

const SavedPart* find_part(const SavedSection& section) {
    for (const SavedPart& part : kParts) {
        if (strcmp(part.name, section.name) == 0) {
            return part.version == section.version && part.item_size == section.item_size ? &part
                                                                                          : nullptr;
        }
    }
    return nullptr;
}

// What is of another version is left out, and the file kept.
void restore_parts(const char* bytes) {
    const auto* const header = reinterpret_cast<const SavedHeader*>(bytes);
    const SavedSection* const table = saved_table(bytes);
    const SavedSection* unknown = nullptr;
    for (uint32_t i = 0; i < header->sections; i++) {
        if (const SavedPart* const part = find_part(table[i])) {
            part->restore(bytes + table[i].offset, table[i].count);
        } else {
            unknown = &table[i];
        }
    }
    if (unknown != nullptr) {
        set_aside("a part of it is of another version of pg_leash");
    }
}

}  // namespace

void save_state() {
    bool changed = !saved_once;
    for (uint32_t i = 0; i < kPartCount; i++) {
        const uint64_t changes = kParts[i].changes();
        changed = changed || changes != saved_changes[i];
        saved_changes[i] = changes;
    }
    saved_once = true;
    if (changed) {
        write_state();
    }
}

void restore_state() {
    size_t size = 0;
    char* const bytes = read_file(size);
    if (bytes == nullptr) {
        return;
    }
    const SavedProblem problem = check_saved(bytes, size, GetSystemIdentifier(), crc32c);
    if (problem == SavedProblem::none) {
        restore_parts(bytes);
    } else {
        set_aside(describe(problem));
    }
    free(bytes);
}

void save_state_at_exit() {
    on_shmem_exit(save_at_exit, 0);
}

}  // namespace leash
