#include "policy/diff.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "policy/store.h"
#include "policy/words.h"

namespace leash::tool {
namespace {

using testing::ElementsAre;
using testing::HasSubstr;
using testing::IsEmpty;

using Rows = std::vector<PolicyRow>;

PolicyRow policy(const std::string& name, const char* column, PolicyValue value) {
    PolicyRow row = default_policy(name);
    row[column] = std::move(value);
    return row;
}

TEST(PolicyDiff, IsEmptyForTheSameRows) {
    const Rows rows = {policy("a", "keep", std::int64_t{1}), default_policy("b")};
    EXPECT_THAT(diff_policies(rows, rows), IsEmpty());
    EXPECT_THAT(diff_policies(rows, Rows{rows[1], rows[0]}), IsEmpty());
}

TEST(PolicyDiff, ShowsWhatIsAddedChangedAndRemoved) {
    const Rows current = {default_policy("gone"), policy("b", "idle_for", Microseconds{5})};
    const Rows wanted = {default_policy("new"), policy("b", "idle_for", Microseconds{7})};
    const auto changes = diff_policies(current, wanted);
    ASSERT_EQ(changes.size(), 3U);
    EXPECT_EQ(changes[0].kind, ChangeKind::kAdded);
    EXPECT_EQ(changes[0].row.name, "new");
    EXPECT_EQ(changes[1].kind, ChangeKind::kChanged);
    EXPECT_THAT(changes[1].columns, ElementsAre(ColumnChange{policy_column("idle_for"),
                                                             Microseconds{5}, Microseconds{7}}));
    EXPECT_EQ(changes[2].kind, ChangeKind::kRemoved);
    EXPECT_EQ(changes[2].row.name, "gone");
}

TEST(PolicyDiff, SendsValuesAsParameters) {
    const Rows wanted = {policy("'; DROP TABLE t", "comment", std::string("it's"))};
    const auto changes = diff_policies({}, wanted);
    const Query added = change_query(changes.front());
    EXPECT_THAT(added.sql, testing::Not(HasSubstr("DROP")));
    EXPECT_THAT(added.sql, HasSubstr("INSERT INTO leash.policies (name, comment,"));
    EXPECT_EQ(added.parameters.size(), kPolicyColumnCount + 1);
    EXPECT_EQ(added.parameters[0], "'; DROP TABLE t");
    EXPECT_EQ(added.parameters[1], "it's");
}

TEST(PolicyDiff, UpdatesOnlyWhatChanges) {
    const Rows current = {policy("a", "keep", std::int64_t{1})};
    const Query changed = change_query(diff_policies(current, Rows{default_policy("a")}).front());
    EXPECT_EQ(changed.sql, "UPDATE leash.policies SET keep = $2 WHERE name = $1");
    EXPECT_THAT(changed.parameters, ElementsAre("a", std::nullopt));
    const Query removed = change_query(diff_policies(current, {}).front());
    EXPECT_EQ(removed.sql, "DELETE FROM leash.policies WHERE name = $1");
    EXPECT_THAT(removed.parameters, ElementsAre("a"));
}

TEST(PolicyWords, AreShort) {
    PolicyRow row = default_policy("a");
    EXPECT_EQ(matches_words(row), "any session");
    EXPECT_EQ(age_words(row), "");
    row["kinds"] = std::vector<std::string>{"idle in transaction", "abandoned"};
    row["applications"] = std::vector<std::string>{"web-*"};
    row["blocks_others"] = true;
    row["pressure_above"] = 0.855;
    row["keep"] = std::int64_t{2};
    row["idle_for"] = Microseconds{600'000'000};
    row["learned"] = true;
    EXPECT_EQ(matches_words(row),
              "idle in txn|abandoned, app web-*, blocks others, above 85.5%, keep 2");
    EXPECT_EQ(age_words(row), "idle 10min, learned");
}

}  // namespace
}  // namespace leash::tool
