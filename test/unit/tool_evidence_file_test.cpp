#include "evidence/file.h"

#include <cstdio>
#include <filesystem>
#include <fstream>

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "failure.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;

Evidence sample() {
    Evidence evidence;
    evidence.server.version = "15.20";
    evidence.server.now.us = 1'774'958'400'500'001;
    evidence.connections.max_connections = 200;
    evidence.connections.peak_used = 180;
    CauseFacts cause;
    cause.kind = "idle in transaction";
    cause.application_name = "shop \"<script>\" \n\x1b[2J";
    cause.oldest.value = 93.5;
    cause.route = "/checkout";
    evidence.causes.push_back(cause);
    SlowFacts slow;
    slow.query_id.value = -9'007'199'254'740'993;  // not to be had in a double
    evidence.slow.push_back(slow);
    MinuteFacts minute;
    minute.cache_hit_ratio = 0.35;
    evidence.history.push_back(minute);
    return evidence;
}

std::string text_of(const Evidence& evidence) {
    return evidence_json(evidence).dump();
}

std::string refusal_of(const std::string& text) {
    try {
        parse_evidence(text, "before.json");
    } catch (const Failure& failure) {
        return failure.what();
    }
    return {};
}

TEST(EvidenceFile, ComesBackAsItWas) {
    const Evidence read = parse_evidence(text_of(sample()), "x");
    EXPECT_EQ(text_of(read), text_of(sample()));
    EXPECT_EQ(read.server.now, sample().server.now);
    EXPECT_EQ(read.causes.at(0).application_name, sample().causes.at(0).application_name);
    EXPECT_EQ(read.causes.at(0).oldest, sample().causes.at(0).oldest);
    EXPECT_EQ(read.slow.at(0).query_id, sample().slow.at(0).query_id);
    EXPECT_EQ(read.history.at(0).cache_hit_ratio, 0.35);
    EXPECT_FALSE(read.history.at(0).rows_read);  // not known is not 0
}

TEST(EvidenceFile, ReadsWhatAnEarlierVersionDidNotHave) {
    nlohmann::ordered_json document = evidence_json(sample());
    document["history"][0].erase("busy_seconds");
    EXPECT_EQ(parse_evidence(document.dump(), "x").history.at(0).busy_seconds, 0);
    document.erase("compute");
    document.erase("slow");
    const Evidence read = parse_evidence(document.dump(), "x");
    EXPECT_THAT(read.missing, testing::ElementsAre("slow", "compute"));
    EXPECT_TRUE(read.slow.empty());
    EXPECT_EQ(read.history.size(), 1U);
    // Written again, it does not claim that there were none.
    EXPECT_FALSE(evidence_json(read).contains("slow"));
    EXPECT_TRUE(parse_evidence(text_of(sample()), "x").missing.empty());
}

// Cut anywhere, it is one clear line that names the file.
TEST(EvidenceFile, RefusesAFileThatIsCut) {
    const std::string whole = text_of(sample());
    for (std::size_t length = 0; length < whole.size(); ++length) {
        ASSERT_THAT(refusal_of(whole.substr(0, length)), HasSubstr("\"before.json\": it is cut"))
            << length;
    }
}

TEST(EvidenceFile, RefusesOtherVersionsAndOtherFiles) {
    nlohmann::ordered_json document = evidence_json(sample());
    document["snapshot_version"] = kSnapshotVersion + 1;
    EXPECT_THAT(refusal_of(document.dump()), HasSubstr("version 2, this pgleash reads version 1"));
    EXPECT_THAT(refusal_of("{}"), HasSubstr("it is no snapshot"));
    EXPECT_THAT(refusal_of("[1, 2]"), HasSubstr("it is no snapshot"));
    document = evidence_json(sample());
    document.erase("connections");
    EXPECT_THAT(refusal_of(document.dump()), HasSubstr("\"connections\" is not there"));
}

TEST(EvidenceFile, RefusesValuesOfAnotherType) {
    nlohmann::ordered_json document = evidence_json(sample());
    document["causes"][0]["sessions"] = "many";
    EXPECT_THAT(refusal_of(document.dump()), HasSubstr("\"sessions\" is not an integer"));
    document = evidence_json(sample());
    document["slow"] = 7;
    EXPECT_THAT(refusal_of(document.dump()), HasSubstr("\"slow\" is no list"));
}

class SavedFile : public testing::Test {
protected:
    void SetUp() override {
        std::string name = (std::filesystem::temp_directory_path() / "evidence.XXXXXX").string();
        ASSERT_NE(mkdtemp(name.data()), nullptr);
        folder_ = name;
    }
    void TearDown() override { std::filesystem::remove_all(folder_); }

    std::filesystem::path folder_;
};

TEST_F(SavedFile, IsForItsOwnerAndAlone) {
    const std::string path = folder_ / "before.json";
    save_evidence(sample(), path);
    save_evidence(sample(), path);
    EXPECT_EQ(text_of(load_evidence(path)), text_of(sample()));
    EXPECT_EQ(std::filesystem::status(path).permissions(),
              std::filesystem::perms::owner_read | std::filesystem::perms::owner_write);
    EXPECT_EQ(std::distance(std::filesystem::directory_iterator(folder_), {}), 1);
}

TEST_F(SavedFile, SaysWhatCannotBeWrittenOrRead) {
    const std::string nowhere = folder_ / "no" / "before.json";
    try {
        save_evidence(sample(), nowhere);
        FAIL();
    } catch (const Failure& failure) {
        EXPECT_THAT(failure.what(), HasSubstr("cannot write"));
        EXPECT_THAT(failure.what(), HasSubstr("No such file"));
    }
    EXPECT_THROW(load_evidence(nowhere), Failure);
}

}  // namespace
}  // namespace leash::tool
