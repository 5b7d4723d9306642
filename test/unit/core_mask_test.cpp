#include "core/mask.h"

#include <random>
#include <string>

#include <gtest/gtest.h>

namespace leash {
namespace {

std::string mask(const std::string& text, bool backslash = false, size_t size = 4096) {
    std::string buffer(size, '\0');
    buffer.resize(mask_literals(text.data(), text.size(), {backslash}, buffer.data(), size));
    return buffer;
}

struct Case {
    const char* text;
    const char* masked;
};

TEST(Mask, TakesOutEveryKindOfLiteral) {
    const Case cases[] = {
        {"SELECT 1", "SELECT ?"},
        {"SELECT 'it''s'", "SELECT ?"},
        {"SELECT E'a\\'b' || 2 + 3", "SELECT ? || ? + ?"},
        {"SELECT e'a\\\\' || 'b'", "SELECT ? || ?"},
        {"SELECT 'a\\' || 'b'", "SELECT ? || ?"},
        {"SELECT U&'\\0041', u&'x'", "SELECT ?, ..."},
        {"SELECT B'101' | X'1F' | n'x'", "SELECT ? | ? | ?"},
        {"SELECT $$a'b$$", "SELECT ?"},
        {"SELECT $tag$ $$ $tag$ FROM t", "SELECT ? FROM t"},
        {"SELECT $t1$x$t$x$t1$;", "SELECT ?;"},
        {"WHERE a = $1 AND b=$22", "WHERE a = $1 AND b=$22"},
        {"SELECT 1.5, t.c2 FROM t2", "SELECT ?, t.c2 FROM t2"},
        {"SELECT .5e-3+1e10+0xff+1_000", "SELECT ?+?+?+?"},
        {"x>-5", "x>-?"},
        {"SELECT \"a'b\"\"1\" FROM \"T 2\"", "SELECT \"a'b\"\"1\" FROM \"T 2\""},
        {"a$1b", "a$1b"},
        {"SELECT date '2026-01-01'", "SELECT date ?"},
        {"SELECT '{\"k\": 1}'::jsonb -> 'k'", "SELECT ?::jsonb -> ?"},
    };
    for (const Case& c : cases) {
        EXPECT_EQ(mask(c.text), c.masked) << c.text;
    }
}

TEST(Mask, DropsCommentsAndFoldsBlanks) {
    EXPECT_EQ(mask("  SELECT /* a /* nested */ 'x */ a\n\t FROM t -- tail 1\n WHERE b"),
              "SELECT a FROM t WHERE b");
    EXPECT_EQ(mask("a/**/b"), "a b");
    EXPECT_EQ(mask("/*route='x'*/"), "");
    EXPECT_EQ(mask("a - -1 -- 2"), "a - -?");
}

TEST(Mask, OfAListTheFirstStays) {
    EXPECT_EQ(mask("a IN (1, 2)"), "a IN (?, ...)");
    EXPECT_EQ(mask("a IN (1,2,'x', 4) AND b IN (5)"), "a IN (?,...) AND b IN (?)");
    EXPECT_EQ(mask("VALUES (1, a, 2), (3, 4, b)"), "VALUES (?, a, ?), (?, ..., b)");
    EXPECT_EQ(mask("f(1, 2, c, 3)"), "f(?, ..., c, ?)");
    EXPECT_EQ(mask("SELECT 'a', 1 / 0, 2, 3 + x"), "SELECT ?, ? / ?, ..., ? + x");
}

TEST(Mask, TheCodeOfDoIsMaskedItself) {
    EXPECT_EQ(mask("DO $$ BEGIN PERFORM f(5, 'x'); END $$"),
              "DO $$ BEGIN PERFORM f(?, ...); END $$");
    EXPECT_EQ(mask("do $x$ x := 'secret"), "do $x$ x := ?");
    EXPECT_EQ(mask("SELECT $$do 1$$"), "SELECT ?");
}

TEST(Mask, WhatIsCutInALiteralLeaksNothing) {
    for (const char* text : {"SELECT 'secret", "SELECT $a$secret", "SELECT E'secret\\",
                             "SELECT U&'secret", "SELECT 'secret''", "SELECT $$secret$"}) {
        EXPECT_EQ(mask(text), "SELECT ?") << text;
    }
    EXPECT_EQ(mask("SELECT /* secret"), "SELECT");
    EXPECT_EQ(mask("SELECT -- secret"), "SELECT");
}

TEST(Mask, BackslashesEscapeWhereTheServerSaysSo) {
    EXPECT_EQ(mask("SELECT 'a\\' secret'", true), "SELECT ?");
    EXPECT_EQ(mask("SELECT 'a\\\\', b", true), "SELECT ?, b");
}

TEST(Mask, OtherEncodingsPass) {
    EXPECT_EQ(mask("SELECT größe FROM t WHERE ort = 'Köln'"), "SELECT größe FROM t WHERE ort = ?");
    EXPECT_EQ(mask("SELECT \xe4\xf6 FROM t"), "SELECT \xe4\xf6 FROM t");
}

TEST(Mask, NeverWritesMoreThanItMay) {
    const std::string text = "SELECT a, 'b', c FROM t WHERE d IN (1, 2, 3)";
    const std::string whole = mask(text);
    for (size_t size = 0; size <= whole.size(); size++) {
        EXPECT_EQ(mask(text, false, size), whole.substr(0, size));
    }
}

// Whatever the text: no digit and nothing between quotes survives, and reading stops.
TEST(Mask, NothingOfALiteralSurvivesAnyMixture) {
    const char* const pieces[] = {"'",  "''", "\\", "$$", "$t$", "$1", "/*", "*/", "--", "\n",
                                  "E'", "\"", "x",  ",",  "(",   ")",  " ",  "&",  "U&'"};
    std::mt19937 random(7);
    for (int round = 0; round < 100'000; round++) {
        std::string text = "'S3CR3T'";
        for (int i = 0; i < 12; i++) {
            text += pieces[random() % std::size(pieces)];
        }
        const std::string masked = mask(text, round % 2 == 0);
        EXPECT_EQ(masked.find("S3CR3T"), std::string::npos) << text;
        EXPECT_LE(masked.size(), text.size() + 3) << text;
    }
}

}  // namespace
}  // namespace leash
