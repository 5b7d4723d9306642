// plan: the emergency plan, from a server or a snapshot of one.
#include <fmt/format.h>

#include "commands/commands.h"
#include "evidence/file.h"
#include "new_file.h"
#include "plan/page.h"
#include "render/instant.h"
#include "render/json.h"
#include "source/open_source.h"

namespace leash::tool {
namespace {

Evidence evidence_of(const Options& options) {
    if (!options.snapshot.empty()) {
        return load_evidence(options.snapshot);
    }
    const std::unique_ptr<Source> source = open_source(options);
    try {
        source->server();  // says what is missing there
        return source->evidence();
    } catch (const QueryError& error) {
        throw source->explain(error, Purpose::kReading);
    }
}

std::string page_text(const plan::Page& page, const Evidence& evidence, const Options& options) {
    if (options.format == Format::kJson) {
        nlohmann::ordered_json document;
        document["schema_version"] = kJsonSchemaVersion;
        document["command"] = "plan";
        document["generated_at"] = instant_text(page.now.us);
        document["server"] = evidence_json(evidence)["server"];
        plan::add_json(document, page);
        return json_text(document, false);
    }
    const plan::Document document = plan::document_of(page);
    return options.html ? plan::html_of(document) : plan::markdown_of(document);
}

}  // namespace

int run_plan(const Options& options) {
    const Evidence evidence = evidence_of(options);
    const std::optional<Evidence> before =
        options.before ? std::optional(load_evidence(*options.before)) : std::nullopt;
    const plan::Page page = plan::make_page(evidence, before ? &*before : nullptr);
    const std::string text = page_text(page, evidence, options);
    if (!options.output) {
        write_output(text);
        return kExitDone;
    }
    write_file(*options.output, text, Readers::others);
    write_note(fmt::format("written to {}: {}", *options.output,
                           page.findings.empty()
                               ? std::string("nothing is wrong")
                               : fmt::format("{} finding{}", page.findings.size(),
                                             page.findings.size() == 1 ? "" : "s")));
    return kExitDone;
}

}  // namespace leash::tool
