#include "render/text.h"

#include <gtest/gtest.h>

#include <clocale>
#include <string>

namespace leash::tool {
namespace {

TEST(Printable, KeepsOrdinaryText) {
    EXPECT_EQ(printable("shop-api (eu) \"x\" 'y' \\ z"), "shop-api (eu) \"x\" 'y' \\ z");
    EXPECT_EQ(printable("Überweisung 漢字 😀"), "Überweisung 漢字 😀");
}

TEST(Printable, ShowsControlCharacters) {
    EXPECT_EQ(printable("a\x1b[31mred\x1b[0m"), "a\\x1b[31mred\\x1b[0m");
    EXPECT_EQ(printable("bell\a back\b del\x7f"), "bell\\x07 back\\x08 del\\x7f");
    EXPECT_EQ(printable("a\nb\tc\rd"), "a\\nb\\tc\\rd");
    EXPECT_EQ(printable(std::string("nul\0x", 5)), "nul\\x00x");
}

TEST(Printable, ShowsC1ControlsAndBidiMarks) {
    EXPECT_EQ(printable("\xc2\x9b"
                        "31m"),
              "\\u009b31m");
    EXPECT_EQ(printable("user\u202Enimda"), "user\\u202enimda");
    EXPECT_EQ(printable("zero\u200Bwidth\uFEFF"), "zero\\u200bwidth\\ufeff");
    EXPECT_EQ(printable("line\u2028break"), "line\\u2028break");
    EXPECT_EQ(printable("\U000E0041"), "\\U000e0041");
}

TEST(Printable, ShowsBytesThatAreNoUtf8) {
    EXPECT_EQ(printable("caf\xe9"), "caf\\xe9");                       // Latin-1
    EXPECT_EQ(printable("\xc0\x80"), "\\xc0\\x80");                    // overlong
    EXPECT_EQ(printable("\xe0\x80\x80"), "\\xe0\\x80\\x80");           // overlong
    EXPECT_EQ(printable("\xed\xa0\x80"), "\\xed\\xa0\\x80");           // surrogate
    EXPECT_EQ(printable("\xf4\x90\x80\x80"), "\\xf4\\x90\\x80\\x80");  // above U+10FFFF
    EXPECT_EQ(printable("cut \xe6\xbc"), "cut \\xe6\\xbc");
}

TEST(Printable, EndsATowerOfCombiningMarks) {
    const std::string mark = "\u0301";
    EXPECT_EQ(printable("e" + mark), "e" + mark);
    EXPECT_EQ(printable("e" + mark + mark + mark + mark), "e" + mark + mark + mark + "\\u0301");
}

TEST(Printable, CollapsesWhiteSpaceOfStatements) {
    EXPECT_EQ(printable("\n SELECT *\n\t FROM t  \n", {.collapse_space = true}), "SELECT * FROM t");
    EXPECT_EQ(printable(" \n ", {.collapse_space = true}), "");
}

TEST(Printable, EscapesForATerminalThatIsAsciiOnly) {
    EXPECT_EQ(printable("é漢😀", {.ascii_only = true}), "\\u00e9\\u6f22\\U0001f600");
}

TEST(Width, CountsTerminalColumnsInAnyLocale) {
    ASSERT_NE(std::setlocale(LC_CTYPE, "C"), nullptr);
    EXPECT_EQ(display_width("abc"), 3U);
    EXPECT_EQ(display_width("é"), 1U);
    EXPECT_EQ(display_width("e\u0301"), 1U);
    EXPECT_EQ(display_width("漢字"), 4U);
    EXPECT_EQ(display_width("…"), 1U);
}

TEST(Shorten, CutsAtCharactersAndColumns) {
    EXPECT_EQ(shorten("abcdef", 6), "abcdef");
    EXPECT_EQ(shorten("abcdef", 5), "abcd…");
    EXPECT_EQ(shorten("abcdef", 5, true), "abcd~");
    EXPECT_EQ(shorten("漢字漢字", 5), "漢字…");
    EXPECT_EQ(shorten("漢字漢字", 4), "漢…");  // never half a character
    EXPECT_EQ(shorten("abc", 1), "…");
    EXPECT_EQ(shorten("abc", 0), "");
}

TEST(ValidUtf8, ReplacesWhatIsNone) {
    EXPECT_EQ(valid_utf8("caf\xe9!"), "caf\uFFFD!");
    EXPECT_EQ(valid_utf8("caf\u00e9!"), "caf\u00e9!");
}

// Whatever goes in, nothing that a terminal would act on comes out.
TEST(Printable, NeverLetsAControlCharacterThrough) {
    for (int first = 0; first < 256; ++first) {
        for (int second = 0; second < 256; ++second) {
            const std::string text{static_cast<char>(first), static_cast<char>(second), 'x'};
            const std::string shown = printable(text);
            for (std::size_t i = 0; i < shown.size();) {
                const Glyph glyph = decode_utf8(shown, i);
                ASSERT_TRUE(glyph.valid) << first << " " << second;
                ASSERT_TRUE(is_plain(glyph.code)) << first << " " << second;
                i += glyph.length;
            }
        }
    }
}

}  // namespace
}  // namespace leash::tool
