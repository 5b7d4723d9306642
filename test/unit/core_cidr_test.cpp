#include "core/cidr.h"

#include <arpa/inet.h>
#include <gtest/gtest.h>

#include <cstring>
#include <random>
#include <string>

namespace leash {
namespace {

Address address(const char* text) {
    Address address{};
    if (inet_pton(AF_INET, text, address.bytes) == 1) {
        address.family = 4;
    } else if (inet_pton(AF_INET6, text, address.bytes) == 1) {
        address.family = 6;
    } else {
        ADD_FAILURE() << text;
    }
    return address;
}

Network network(const std::string& text) {
    Network network{};
    EXPECT_EQ(parse_network(text.c_str(), network), NetworkProblem::none) << text;
    return network;
}

NetworkProblem problem(const std::string& text) {
    Network untouched{77, 77, {77}};
    const NetworkProblem found = parse_network(text.c_str(), untouched);
    if (found != NetworkProblem::none) {
        EXPECT_EQ(untouched.family, 77) << text;
    }
    return found;
}

bool holds(const char* net, const char* host) {
    return contains(network(net), address(host));
}

TEST(Cidr, Version4) {
    EXPECT_TRUE(holds("10.0.0.0/8", "10.255.1.2"));
    EXPECT_FALSE(holds("10.0.0.0/8", "11.0.0.0"));
    EXPECT_TRUE(holds("192.168.4.0/23", "192.168.5.255"));
    EXPECT_FALSE(holds("192.168.4.0/23", "192.168.6.0"));
    EXPECT_TRUE(holds("0.0.0.0/0", "255.255.255.255"));
    EXPECT_TRUE(holds("10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(holds("10.1.2.3", "10.1.2.2"));
    EXPECT_TRUE(holds("10.1.2.3/32", "10.1.2.3"));
    EXPECT_TRUE(holds("128.0.0.0/1", "200.0.0.1"));
    EXPECT_FALSE(holds("128.0.0.0/1", "127.0.0.1"));
}

TEST(Cidr, Version6) {
    EXPECT_TRUE(holds("::1", "::1"));
    EXPECT_FALSE(holds("::1", "::2"));
    EXPECT_TRUE(holds("2001:db8::/32", "2001:db8:1::5"));
    EXPECT_FALSE(holds("2001:db8::/32", "2001:db9::"));
    EXPECT_TRUE(holds("fe80::/10", "febf::1"));
    EXPECT_FALSE(holds("fe80::/10", "fec0::1"));
    EXPECT_TRUE(holds("::/0", "ffff::1"));
    EXPECT_TRUE(holds("2001:db8::8000/113", "2001:db8::ffff"));
}

TEST(Cidr, FamiliesAreApart) {
    EXPECT_FALSE(holds("0.0.0.0/0", "::1"));
    EXPECT_FALSE(holds("::/0", "10.0.0.1"));
    EXPECT_FALSE(contains(network("0.0.0.0/0"), Address{}));
    EXPECT_FALSE(contains(network("::/0"), Address{}));
}

TEST(Cidr, UnixSockets) {
    EXPECT_TRUE(contains(network("local"), Address{}));
    EXPECT_FALSE(holds("local", "127.0.0.1"));
    EXPECT_FALSE(holds("local", "::1"));
}

// A server that listens on :: sees its IPv4 clients as ::ffff:a.b.c.d.
TEST(Cidr, MappedAddressesAreVersion4) {
    EXPECT_TRUE(holds("10.0.0.0/8", "::ffff:10.1.2.3"));
    EXPECT_FALSE(holds("10.0.0.0/8", "::ffff:11.1.2.3"));
    EXPECT_FALSE(holds("::/0", "::ffff:10.1.2.3"));
    EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "10.1.2.3"));
    EXPECT_TRUE(holds("::ffff:10.0.0.0/104", "::ffff:10.1.2.3"));
    EXPECT_FALSE(holds("::ffff:10.0.0.0/104", "11.1.2.3"));
    EXPECT_TRUE(holds("::ffff:0.0.0.0/96", "11.1.2.3"));
    EXPECT_TRUE(holds("::ffff:10.1.2.3", "10.1.2.3"));
    EXPECT_FALSE(holds("::/80", "10.1.2.3"));
    const Address any = {4, {0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0xff, 0xff, 10, 1, 2, 3}};
    EXPECT_FALSE(contains(network("10.0.0.0/8"), any)) << "bytes behind the address";
}

TEST(Cidr, Problems) {
    for (const char* text : {"",
                             "/",
                             "/8",
                             "10.0.0.0/",
                             "10.0.0.0/x",
                             "10.0.0.0/8x",
                             "10.0.0.0/+8",
                             "10.0.0.0/-1",
                             "10.0.0.0/ 8",
                             "10.0.0.0/08",
                             "10.0.0.0/0008",
                             "10.0.0.0/8/8",
                             "10.0.0/8",
                             "10.0.0.0.0",
                             "10.0.0.256",
                             " 10.0.0.1",
                             "10.0.0.1 ",
                             "Local",
                             "local/0",
                             "localhost",
                             "::g",
                             ":::",
                             "fe80::1%eth0",
                             "2001:db8::/3 2",
                             "1234567890123456789012345678901234567890123456789",
                             "10.0.0.0/99999999999999999999"}) {
        EXPECT_EQ(problem(text), NetworkProblem::malformed) << text;
    }
    EXPECT_EQ(problem("10.0.0.0/33"), NetworkProblem::prefix_too_long);
    EXPECT_EQ(problem("10.0.0.0/999"), NetworkProblem::prefix_too_long);
    EXPECT_EQ(problem("::/129"), NetworkProblem::prefix_too_long);
    EXPECT_EQ(problem("::/128"), NetworkProblem::none);
    EXPECT_EQ(problem("10.0.0.1/8"), NetworkProblem::host_bits_set);
    EXPECT_EQ(problem("10.0.0.1/31"), NetworkProblem::host_bits_set);
    EXPECT_EQ(problem("10.0.0.0/31"), NetworkProblem::none);
    EXPECT_EQ(problem("0.0.0.1/0"), NetworkProblem::host_bits_set);
    EXPECT_EQ(problem("2001:db8::1/32"), NetworkProblem::host_bits_set);
    EXPECT_EQ(problem("::ffff:10.0.0.0/95"), NetworkProblem::host_bits_set);
}

TEST(Cidr, EachProblemIsSaid) {
    EXPECT_STREQ(describe(NetworkProblem::malformed), "it is no address, network or \"local\"");
    EXPECT_STREQ(describe(NetworkProblem::prefix_too_long),
                 "its mask has more bits than an address");
    EXPECT_STREQ(describe(NetworkProblem::host_bits_set), "it has bits set right of its mask");
}

// Bit by bit, for every length of the prefix.
TEST(Cidr, EveryPrefix) {
    std::mt19937 random(1);
    for (const uint8_t family : {uint8_t{4}, uint8_t{6}}) {
        const unsigned bits = family == 4 ? 32 : 128;
        for (unsigned prefix = 0; prefix <= bits; prefix++) {
            Network net{family, static_cast<uint8_t>(prefix), {}};
            for (unsigned bit = 0; bit < prefix; bit++) {
                net.bytes[bit / 8] |= static_cast<uint8_t>((random() & 1) << (7 - bit % 8));
            }
            Address host{family, {}};
            memcpy(host.bytes, net.bytes, sizeof host.bytes);
            for (unsigned bit = prefix; bit < bits; bit++) {
                host.bytes[bit / 8] |= static_cast<uint8_t>((random() & 1) << (7 - bit % 8));
            }
            EXPECT_TRUE(contains(net, host));
            for (unsigned bit = 0; bit < bits; bit++) {
                Address other = host;
                other.bytes[bit / 8] ^= static_cast<uint8_t>(1 << (7 - bit % 8));
                EXPECT_EQ(contains(net, other), bit >= prefix) << prefix << " " << bit;
            }
        }
    }
}

// Whatever is given, nothing is read or written past its end (the sanitizers watch).
TEST(Cidr, Garbage) {
    std::mt19937 random(2);
    const std::string alphabet = "0123456789abcdf.:/%lo ";
    for (int round = 0; round < 20'000; round++) {
        std::string text;
        for (size_t length = random() % 60; length > 0; length--) {
            text += alphabet[random() % alphabet.size()];
        }
        Network net{};
        if (parse_network(text.c_str(), net) == NetworkProblem::none) {
            EXPECT_LE(net.prefix, net.family == 4 ? 32 : 128);
        }
    }
}

}  // namespace
}  // namespace leash
