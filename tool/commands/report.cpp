// report: a page of HTML, from a server or from snapshots.
#include <fmt/format.h>

#include "commands/commands.h"
#include "evidence/file.h"
#include "new_file.h"
#include "report/page.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

Evidence evidence_of_server(const Options& options) {
    const std::unique_ptr<Source> source = open_source(options);
    try {
        source->server();  // says what is missing there
        return source->evidence();
    } catch (const QueryError& error) {
        throw source->explain(error, Purpose::kReading);
    }
}

std::string page_of(const Options& options) {
    if (options.before) {
        // The file first: nobody should have to type a password for one that is not there.
        const Evidence before = load_evidence(*options.before);
        return compare_page(
            before, options.after ? load_evidence(*options.after) : evidence_of_server(options));
    }
    return report_page(options.snapshot.empty() ? evidence_of_server(options)
                                                : load_evidence(options.snapshot));
}

}  // namespace

int run_report(const Options& options, const Terminal& terminal) {
    const bool to_file = options.output && *options.output != "-";
    if (!options.output && terminal.is_terminal) {
        throw Failure(
            "the report is a page of HTML; give a file to write it to, such as --output "
            "report.html",
            kExitUsage);
    }
    const std::string page = page_of(options);
    if (!to_file) {
        write_output(page);
        return kExitDone;
    }
    write_file(*options.output, page, Readers::others);
    write_note(fmt::format("wrote {} ({} kB); any browser opens it", *options.output,
                           (page.size() + 999) / 1000));
    return kExitDone;
}

}  // namespace leash::tool
