// The options of advise.
#include "cli/command_words.h"

namespace leash::tool {
namespace {

constexpr const char* kIndexesFooter = R"(
Where slow statements read all of a large table of this database to keep few of
its rows, the most costly first: what the server has seen and counted, and the
CREATE INDEX CONCURRENTLY to paste, with its risk. Nothing is run or changed.

With hypopg in the database (CREATE EXTENSION hypopg): what a query of that kind
costs the planner with and without the index, and how large it will be.
"no gain": the planner would hardly use it.

An index that is there already is named instead. Candidates are forgotten by
SELECT leash.reset('slow_statements').)";

void declare_nothing(CLI::App*, Arguments&) {}
void read_nothing(Options&, const Arguments&) {}

void declare_indexes(CLI::App* command, Arguments& arguments) {
    add_value(command, arguments, "limit", "--limit", "N", "at most N candidates (default 10)");
    set_footer(command, kIndexesFooter);
}

void read_indexes(Options& options, const Arguments& arguments) {
    options.filters = read_filters(arguments);
}

constexpr CommandWord kCommands[] = {
    {Command::kAdvise, "advise", "what to change, by kind: indexes", declare_nothing, read_nothing},
    {Command::kAdviseIndexes, "advise indexes", "indexes that slow statements lack",
     declare_indexes, read_indexes},
};

}  // namespace

std::span<const CommandWord> advise_commands() {
    return kCommands;
}

}  // namespace leash::tool
