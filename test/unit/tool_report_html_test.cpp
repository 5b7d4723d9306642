#include "report/html.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "report/html_table.h"

namespace leash::tool {
namespace {

using testing::HasSubstr;
using testing::Not;

std::string escaped(const std::string& words) {
    return text(words).code();
}

template <class T>
concept Streamable = requires(Html html, T value) {
    html << value;
};

// A text that is no literal never gets in as markup, not even by mistake.  (Of char
// pointers the compiler says so only where they are used.)
static_assert(!Streamable<std::string_view>);
static_assert(!Streamable<double>);
static_assert(Streamable<std::string>);

TEST(ReportHtml, EscapesWhatHasAMeaning) {
    EXPECT_EQ(escaped(R"(<b a="x" b='y'>&amp;`)"),
              "&lt;b a=&quot;x&quot; b=&#39;y&#39;&gt;&amp;amp;&#96;");
    EXPECT_EQ(escaped("plain, Grüße 日本"), "plain, Grüße 日本");
}

TEST(ReportHtml, ShowsWhatIsInvisible) {
    EXPECT_EQ(escaped("a\nb\tc\r\x1b[2J"), R"(a\nb\tc\r\x1b[2J)");
    EXPECT_EQ(escaped("a\u202eb"), R"(a\u202eb)");
    EXPECT_EQ(escaped("\xff<"), R"(\xff&lt;)");
    EXPECT_EQ(escaped(std::string("a\0b", 3)), R"(a\x00b)");
}

TEST(ReportHtml, KeepsMarkupOfTheSource) {
    Html inner;
    inner << "<b>" << std::string("<") << "</b>";
    Html outer;
    outer << "<p>" << inner << 7 << "</p>";
    EXPECT_EQ(outer.code(), "<p><b>&lt;</b>7</p>");
}

TEST(ReportHtml, JsonCannotEndItsElement) {
    const std::string code = Html::json({{"</script><!--", "]]>&\u2028\xff<script>"}}).code();
    EXPECT_THAT(code, Not(HasSubstr("<")));
    EXPECT_THAT(code, Not(HasSubstr(">")));
    EXPECT_THAT(code, Not(HasSubstr("&")));
    const auto parsed = nlohmann::json::parse(code);
    EXPECT_EQ(parsed["</script><!--"], "]]>&\u2028\uFFFD<script>");
}

TEST(ReportHtml, CutsLongTexts) {
    EXPECT_EQ(cut("a  b\n c", 10), "a b c");
    EXPECT_EQ(cut("abcdef", 4), "abc…");
    EXPECT_LT(statement(std::string(100'000, '<')).code().size(), 3'000U);
}

TEST(ReportHtml, TablesSayWhatIsLeftOut) {
    TableRows table{{{"name"}, {"count", true}}};
    for (int i = 0; i < 45; ++i) {
        table.add(text("<i>"), text("1"));
    }
    const std::string code = table_of("A \"table\"", table, "pgleash apps").code();
    EXPECT_THAT(code, HasSubstr("and 5 more: pgleash apps"));
    EXPECT_THAT(code, HasSubstr("aria-label=\"A &quot;table&quot;\""));
    EXPECT_THAT(code, Not(HasSubstr("<i>")));
}

TEST(ReportHtml, BarsStayInTheirWidth) {
    EXPECT_THAT(bar({{30, "active"}, {90, "waste"}}, 100).code(),
                HasSubstr("x=\"30.00%\" width=\"70.00%\""));
    EXPECT_THAT(bar({{1, "active"}}, 0).code(), Not(HasSubstr("<rect")));
}

}  // namespace
}  // namespace leash::tool
