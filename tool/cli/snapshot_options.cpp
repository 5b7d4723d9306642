// The options of snapshot save.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kSaveFooter = R"(
Writes all that is known of the server now, the week's minutes included, to
FILE, so that it can be compared with later. Literals of statements are masked;
names, settings and counts are in it. The file can be read by its owner alone.)";

void declare_save(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "file", "FILE", "", "file to write or replace");
    set_footer(command, kSaveFooter);
}

void read_save(Options& options, const Arguments& arguments) {
    options.file = arguments.value("file").value_or("");
    if (options.file.empty()) {
        refuse("no file given to save to, such as before.json");
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kSnapshotSave, "snapshot save", "save what is known of the server to a file",
     declare_save, read_save},
};

}  // namespace

std::span<const CommandWord> snapshot_commands() {
    return kCommands;
}

}  // namespace leash::tool
