// The options of report.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kReportFooter = R"(
Writes one page of HTML that needs nothing else: the last week of connections,
leaks, refusals, cache hits, rows, slow statements, the needs of applications.
It opens from disk, without a network, and can be sent to others. Literals of
statements are masked; names and counts are in it.

"pgleash snapshot save FILE" makes snapshots to compare with.)";

void declare_report(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "output", "-o,--output", "FILE",
              "file to write (default: standard output)");
    add_value(command, arguments, "from", "--from", "SNAPSHOT",
              "a file of snapshot save, instead of a server");
    add_value(command, arguments, "before", "--before", "SNAPSHOT",
              "what changed since this snapshot");
    add_value(command, arguments, "after", "--after", "SNAPSHOT", "up to this one, instead of now");
    set_footer(command, kReportFooter);
}

std::optional<std::string> file_of(const Arguments& arguments, const std::string& name) {
    const std::optional<std::string> file = arguments.value(name);
    if (file && file->empty()) {
        refuse("--" + name + " wants the name of a file");
    }
    return file;
}

void read_report(Options& options, const Arguments& arguments) {
    if (options.format != Format::kTable) {
        refuse("the report is HTML; \"pgleash snapshot save FILE\" gives its data as JSON");
    }
    options.output = file_of(arguments, "output");
    options.snapshot = file_of(arguments, "from").value_or("");
    options.before = file_of(arguments, "before");
    options.after = file_of(arguments, "after");
    if (options.after && !options.before) {
        refuse("--after is compared with an earlier snapshot; give that one with --before");
    }
    if (!options.snapshot.empty() && options.before) {
        refuse("give either --from, or --before and --after");
    }
}

constexpr CommandWord kCommands[] = {
    {Command::kReport, "report", "a page of HTML to look at, keep and send", declare_report,
     read_report},
};

}  // namespace

std::span<const CommandWord> report_commands() {
    return kCommands;
}

}  // namespace leash::tool
