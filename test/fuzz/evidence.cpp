#include "evidence/file.h"
#include "failure.h"
#include "fuzz.h"
#include "render/json.h"
#include "render/text.h"

FUZZ_TARGET(evidence) {
    using namespace leash::tool;
    const std::string text(Input(data, size).rest());
    std::string written;
    try {
        written = json_text(evidence_json(parse_evidence(text, "file")), true);
    } catch (const Failure& failure) {
        must(std::string_view(failure.what()).starts_with("snapshot \"file\": "),
             "what is wrong is said of the file");
        return;
    }
    must(valid_utf8(written) == written, "what is written is UTF-8");
    must(json_text(evidence_json(parse_evidence(written, "again")), true) == written,
         "what is written reads back the same");
}
