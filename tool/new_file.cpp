#include "new_file.h"

#include <cerrno>
#include <cstdlib>
#include <cstring>

#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>

#include <fmt/format.h>

#include "failure.h"

namespace leash::tool {
namespace {

[[noreturn]] void fail_to_write(const std::string& path, int error) {
    throw Failure(fmt::format("cannot write \"{}\": {}", path, std::strerror(error)));
}

void write_all(int file, const std::string& text, const std::string& path) {
    for (std::size_t done = 0; done < text.size();) {
        const ssize_t written = write(file, text.data() + done, text.size() - done);
        if (written < 0 && errno != EINTR) {
            fail_to_write(path, errno);
        }
        done += written > 0 ? static_cast<std::size_t>(written) : 0;
    }
}

class OpenFile {
public:
    explicit OpenFile(int file) : file_(file) {}
    OpenFile(const OpenFile&) = delete;
    OpenFile& operator=(const OpenFile&) = delete;
    ~OpenFile() {
        if (file_ >= 0) {
            close(file_);
        }
    }
    int get() const { return file_; }

private:
    int file_;
};

// A file beside `path` that is removed again unless it was put into its place.
class NewFile {
public:
    explicit NewFile(const std::string& path)
        : path_(path), name_(path + ".XXXXXX"), file_(mkstemp(name_.data())) {  // mode 0600
        if (file_.get() < 0) {
            fail_to_write(path_, errno);
        }
    }
    NewFile(const NewFile&) = delete;
    NewFile& operator=(const NewFile&) = delete;
    ~NewFile() {
        if (!placed_) {
            unlink(name_.c_str());
        }
    }

    void write(const std::string& text, Readers readers) {
        write_all(file_.get(), text, path_);
        if (readers == Readers::others) {
            const mode_t mask = umask(0);
            umask(mask);
            check(fchmod(file_.get(), 0666 & ~mask));
        } else if (readers == Readers::all) {
            check(fchmod(file_.get(), 0644));
        }
        check(fsync(file_.get()));
    }
    void place() {
        check(rename(name_.c_str(), path_.c_str()));
        placed_ = true;
    }

private:
    void check(int status) const {
        if (status != 0) {
            fail_to_write(path_, errno);
        }
    }

    std::string path_;
    std::string name_;
    OpenFile file_;
    bool placed_ = false;
};

}  // namespace

void write_file(const std::string& path, const std::string& text, Readers readers) {
    struct stat there {};
    if (stat(path.c_str(), &there) == 0 && !S_ISREG(there.st_mode)) {
        const OpenFile file(open(path.c_str(), O_WRONLY | O_CLOEXEC));
        if (file.get() < 0) {
            fail_to_write(path, errno);
        }
        write_all(file.get(), text, path);
        return;
    }
    NewFile file(path);
    file.write(text, readers);
    file.place();
}

}  // namespace leash::tool
