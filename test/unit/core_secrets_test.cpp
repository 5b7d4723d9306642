#include "core/secrets.h"

#include <gtest/gtest.h>

#include <string_view>
#include <vector>

namespace leash {
namespace {

bool may_carry(std::string_view text) {
    const std::vector<char> bytes(text.begin(), text.end());  // no zero behind it
    return may_carry_secret(bytes.data(), bytes.size());
}

TEST(Secrets, Found) {
    EXPECT_TRUE(may_carry("ALTER ROLE app PASSWORD 'x'"));
    EXPECT_TRUE(may_carry("create user app with encrypted PassWord 'x'"));
    EXPECT_TRUE(may_carry("CREATE USER MAPPING FOR u SERVER s OPTIONS (user 'u', password 'x')"));
    EXPECT_TRUE(may_carry("CREATE SUBSCRIPTION s CONNECTION 'postgres://u:x@h/d' PUBLICATION p"));
    EXPECT_TRUE(may_carry("DO $$BEGIN EXECUTE 'ALTER ROLE a PASSWORD ''x'''; END$$"));
}

TEST(Secrets, NotFound) {
    EXPECT_FALSE(may_carry(""));
    EXPECT_FALSE(may_carry("p"));
    EXPECT_FALSE(may_carry("SELECT 1"));
    EXPECT_FALSE(may_carry("CREATE TABLE t (id int)"));
    EXPECT_FALSE(may_carry("SELECT password FROM users"));
    EXPECT_FALSE(may_carry("INSERT INTO page VALUES ('https://example.org')"));
}

}  // namespace
}  // namespace leash
