// advise: the kinds of advice there are, and which command gives which.
#include <fmt/format.h>

#include "cli/command_words.h"
#include "commands/commands.h"
#include "render/csv.h"
#include "render/json.h"

namespace leash::tool {
namespace {

constexpr Column kKinds[] = {
    {.name = "kind", .header = "KIND"},
    {.name = "description", .header = "ADVISES"},
};

constexpr std::string_view kPrefix = "advise ";

Dataset kinds_of_advice() {
    Dataset data{kKinds, {}};
    for (const CommandWord& word : advise_commands()) {
        if (const std::string_view name = word.name; name.starts_with(kPrefix)) {
            data.rows.push_back({std::string(name.substr(kPrefix.size())), word.description});
        }
    }
    return data;
}

std::string kinds_text(const Dataset& kinds, const Options& options, const Terminal& terminal) {
    if (options.format == Format::kCsv) {
        return render_csv(kinds, terminal.is_terminal);
    }
    if (options.format == Format::kJson) {
        nlohmann::ordered_json document;
        document["schema_version"] = kJsonSchemaVersion;
        document["command"] = "advise";
        document["rows"] = json_rows(kinds);
        return json_text(document, false);
    }
    return render_table(kinds, {.width = terminal.width, .color = terminal.color}) +
           "\nRun \"pgleash advise KIND\".\n";
}

}  // namespace

int run_advise_kinds(const Options& options, const Terminal& terminal) {
    write_output(kinds_text(kinds_of_advice(), options, terminal));
    return kExitDone;
}

int run_advise(Context& context) {
    switch (context.options.command) {
        case Command::kAdviseIndexes:
            return run_advise_indexes(context);
        default:
            throw Failure("no such advice");
    }
}

}  // namespace leash::tool
