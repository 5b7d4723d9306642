#include "core/pooler_name.h"

#include <string>

#include <gtest/gtest.h>

namespace leash {
namespace {

std::string stripped(const std::string& name) {
    return name.substr(0, length_without_host(name.c_str()));
}

TEST(PoolerName, LosesWhatAPoolerAppended) {
    EXPECT_EQ(stripped("shop - 10.0.0.7:51034"), "shop");
    EXPECT_EQ(stripped("shop - eu - 10.0.0.7:1"), "shop - eu");
    EXPECT_EQ(stripped("shop - [2001:db8::1]:51034"), "shop");
    EXPECT_EQ(stripped("shop - unix(10558@web-1):6432"), "shop");
    EXPECT_EQ(stripped(" - 10.0.0.7:51034"), "");
}

TEST(PoolerName, OtherNamesStayAsTheyAre) {
    for (const char* name : {"", "shop", "shop - 7", "shop:80", "shop - host", "shop - host:",
                             "shop -host:80", "- host:80", "shop - :80", "80", ":80"}) {
        EXPECT_EQ(stripped(name), name);
    }
}

}  // namespace
}  // namespace leash
