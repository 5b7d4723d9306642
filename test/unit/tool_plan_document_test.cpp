#include "plan/document.h"

#include <gmock/gmock.h>
#include <gtest/gtest.h>

#include "plan/quoting.h"
#include "plan/words.h"

namespace leash::tool::plan {
namespace {

using testing::HasSubstr;
using testing::Not;

const std::string kScript = "<script>alert(1)</script>";

// One of each block, with the same text everywhere.
Document everywhere(const std::string& text) {
    Document document;
    document.title = "About " + code(text);
    document.heading(2, code(text));
    document.paragraph(code(text) + text, text);
    document.list({code(text), text});
    document.table({text, "b"}, {{code(text), text}});
    document.code("sh", text + "\n");
    return document;
}

TEST(PlanMarkdown, CodeIsHeldByAFenceThatIsLongEnough) {
    Document document;
    document.title = "x";
    document.paragraph(code("a `` b"));
    document.paragraph(code("`a"));
    document.paragraph(code("plain"));
    document.code("sh", "echo '```'\n");
    EXPECT_EQ(markdown_of(document),
              "# x\n\n```a `` b```\n\n`` `a ``\n\n`plain`\n\n````sh\necho '```'\n````\n");
}

TEST(PlanMarkdown, NothingBecomesHtml) {
    const std::string page = markdown_of(everywhere(kScript));
    std::string outside;  // of code
    bool inside = false;
    for (const char c : page) {
        inside = c == '`' ? !inside : inside;
        outside += inside ? ' ' : c;
    }
    EXPECT_THAT(outside, Not(HasSubstr("<")));
    EXPECT_THAT(page, HasSubstr("&lt;script&gt;"));
}

TEST(PlanMarkdown, ABarDoesNotEndACell) {
    Document document;
    document.title = "x";
    document.table({"a", "b"}, {{code("p|q\\|r `|`"), "s|t"}});
    const std::string page = markdown_of(document);
    const std::string row = page.substr(page.find("| p"));
    EXPECT_EQ(std::count(row.begin(), row.end(), '|'), 3) << row;
    EXPECT_THAT(row, HasSubstr("p&#124;q\\\\&#124;r \\`&#124;\\`"));
}

TEST(PlanMarkdown, NothingBecomesMarkup) {
    Document document;
    document.title = "x";
    document.list({"*bold* _it_ [a](b) #1 ~~x~~", "- no list", "1. no list", "+ none", "=== none"});
    EXPECT_EQ(
        markdown_of(document),
        "# x\n- \\*bold\\* \\_it\\_ \\[a\\](b) \\#1 \\~\\~x\\~\\~\n- \\- no list\n- 1\\. no list\n"
        "- \\+ none\n- \\=== none\n");
}

// Newlines, terminal escapes, bidirectional marks and bytes that are no UTF-8.
const std::string kNasty =
    "a\nb\r\x1b[2Jc\xe2\x80\xae"
    "d\xff\x0e"
    "e\x0f";

TEST(PlanMarkdown, ControlCharactersAreShown) {
    Document document;
    document.title = code(kNasty);
    EXPECT_EQ(markdown_of(document), "# `a b \\x1b[2Jc\\u202ed\\xff\\x0ee\\x0f`\n");
    // A stranger's text that nobody marked does no harm either.
    for (const auto& page : {markdown_of(everywhere(kNasty)), html_of(everywhere(kNasty))}) {
        for (const char c : page) {
            EXPECT_TRUE(c == '\n' || static_cast<unsigned char>(c) >= 0x20) << static_cast<int>(c);
        }
    }
}

TEST(PlanHtml, NothingBecomesMarkup) {
    const std::string page = html_of(everywhere(kScript + "\"'&"));
    EXPECT_THAT(page, Not(HasSubstr("<script")));
    EXPECT_THAT(page,
                HasSubstr("<code>&lt;script&gt;alert(1)&lt;/script&gt;&quot;&#39;&amp;</code>"));
    EXPECT_THAT(page, HasSubstr("<title>About &quot;&lt;script&gt;"));
    EXPECT_THAT(page, HasSubstr("default-src 'none'"));
}

TEST(PlanHtml, AnUnbalancedMarkIsClosed) {
    Document document;
    document.title = "x";
    document.paragraph(
        "a\x0e"
        "b");
    EXPECT_THAT(html_of(document), HasSubstr("<p>a<code>b</code></p>"));
    EXPECT_THAT(markdown_of(document), HasSubstr("a`b`"));
}

TEST(PlanQuoting, ShellWordsStayOneWord) {
    EXPECT_EQ(shell_word("shop-api"), "shop-api");
    EXPECT_EQ(shell_word(""), "''");
    EXPECT_EQ(shell_word("-x"), "'-x'");
    EXPECT_EQ(shell_word("it's $(id) `id`"), "'it'\\''s $(id) `id`'");
    EXPECT_EQ(shell_word("a\n'b\\"), "$'a\\x0a\\'b\\\\'");
    EXPECT_EQ(shell_word("\xe2\x80\xae"), "$'\\xe2\\x80\\xae'");
    EXPECT_EQ(shell_word("\xff"), "$'\\xff'");
}

TEST(PlanQuoting, LiteralsStayOneLiteral) {
    EXPECT_EQ(sql_literal("it's"), "'it''s'");
    EXPECT_EQ(sql_literal("a\\b"), "E'a\\\\b'");
    EXPECT_EQ(sql_literal("a'\n"), "E'a\\'\\x0a'");
}

TEST(PlanQuoting, GlobsMatchTheNameAlone) {
    EXPECT_EQ(glob_of("a*b?[c\\"), "a\\*b\\?\\[c\\\\");
    EXPECT_EQ(glob_of(std::string(40, '*')), std::string(40, '?'));
}

TEST(PlanWords, Numbers) {
    EXPECT_EQ(number(1234567), "1,234,567");
    EXPECT_EQ(number(-1234), "-1,234");
    EXPECT_EQ(counted(1, "session"), "1 session");
    EXPECT_EQ(amount(0.0412), "0.04");
    EXPECT_EQ(amount(3.7), "3.7");
    EXPECT_EQ(amount(40), "40");
    EXPECT_EQ(amount(1234.5), "1,235");
    EXPECT_EQ(percent(0.9337), "93.4 %");
    EXPECT_EQ(percent(0.5), "50 %");
    EXPECT_EQ(listed({"a", "b", "c"}), "a, b and c");
    EXPECT_EQ(moment(Instant{1'774'958'400'500'001}), "2026-03-31 12:00 UTC");
    EXPECT_EQ(size_of_blocks(131'072), "1 GB");
}

}  // namespace
}  // namespace leash::tool::plan
