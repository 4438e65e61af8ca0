#include "base/address.hpp"

#include <string>

#include "proves.hpp"

namespace portcullis {
namespace {

IpAddress ip(std::string_view text) {
  const auto address = IpAddress::parse(text);
  EXPECT_TRUE(address) << text;
  return address.value_or(IpAddress{});
}

TEST(IpAddress, ReadsAndWritesBothFamilies) {
  for (const char* text :
       {"0.0.0.0", "203.0.113.7", "255.255.255.255", "::", "::1", "2001:db8::1", "fe80::1:2:3:4"}) {
    EXPECT_EQ(ip(text).text(), text);
  }
  EXPECT_EQ(ip("2001:DB8:0:0:0:0:0:1").text(), "2001:db8::1");
  EXPECT_EQ(IpAddress::v4(0xc0000201), ip("192.0.2.1"));
}

TEST(IpAddress, RefusesWhatIsNoAddress) {
  for (const std::string_view text :
       {"", "1", "1.2.3", "1.2.3.4.5", "256.1.1.1", "01.2.3.4", "1.2.3.4 ", " 1.2.3.4", "0x1.2.3.4",
        "1.2.3.-4", "[::1]", "::1%eth0", ":::", "1::2::3", "12345::", "1.2.3.4:80", "localhost",
        "::ffff:1.2.3", "1,2,3,4"}) {
    EXPECT_FALSE(IpAddress::parse(text)) << text;
  }
  EXPECT_FALSE(IpAddress::parse(std::string_view("1.2.3.4\0x", 9)));
  EXPECT_FALSE(IpAddress::parse(std::string(1000, '1')));
}

TEST(IpAddress, AMappedAddressIsTheIpv4Address) {
  EXPECT_EQ(ip("::ffff:192.0.2.1"), ip("192.0.2.1"));
  EXPECT_EQ(ip("::FFFF:c000:201"), ip("192.0.2.1"));
  EXPECT_EQ(ip("::ffff:192.0.2.1").text(), "192.0.2.1");
  EXPECT_TRUE(ip("::ffff:127.0.0.1").is_loopback());
  EXPECT_FALSE(ip("::192.0.2.1").is_v4());
}

TEST(IpAddress, LimitsCountByAddressAndBySlash64) {
  EXPECT_EQ(ip("192.0.2.1").network(), ip("192.0.2.1"));
  EXPECT_EQ(ip("2001:db8:1:2:3:4:5:6").network(), ip("2001:db8:1:2::"));
  EXPECT_EQ(ip("2001:db8:1:2:ffff::1").network(), ip("2001:db8:1:2::9").network());
  EXPECT_NE(ip("2001:db8:1:3::1").network(), ip("2001:db8:1:2::1").network());
}

TEST(IpAddress, KnowsLoopbackAndPrivate) {
  for (const char* text : {"127.0.0.1", "127.255.0.9", "::1"}) {
    EXPECT_TRUE(ip(text).is_loopback()) << text;
    EXPECT_TRUE(ip(text).is_private()) << text;
  }
  for (const char* text :
       {"10.0.0.1", "10.255.255.255", "172.16.0.1", "172.31.255.255", "192.168.3.4", "169.254.1.1",
        "100.64.0.1", "100.127.255.255", "fc00::1", "fdff::1", "fe80::1", "febf::1"}) {
    EXPECT_TRUE(ip(text).is_private()) << text;
    EXPECT_FALSE(ip(text).is_loopback()) << text;
  }
  for (const char* text :
       {"11.0.0.1", "172.15.0.1", "172.32.0.1", "192.169.0.1", "169.253.1.1", "100.63.0.1",
        "100.128.0.1", "128.0.0.1", "8.8.8.8", "fec0::1", "::2", "2001:db8::1", "fe00::1"}) {
    EXPECT_FALSE(ip(text).is_private()) << text;
  }
}

TEST(Cidr, ContainsItsAddressesAndNoOthers) {
  struct Case {
    const char* block;
    const char* inside;
    const char* outside;
  };
  for (const auto& c : {
           Case{"10.0.0.0/8", "10.255.0.1", "11.0.0.0"},
           Case{"192.0.2.128/25", "192.0.2.255", "192.0.2.127"},
           Case{"192.0.2.7", "192.0.2.7", "192.0.2.6"},
           Case{"192.0.2.7/32", "192.0.2.7", "192.0.2.8"},
           Case{"192.0.2.9/30", "192.0.2.11", "192.0.2.12"},
           Case{"2001:db8::/32", "2001:db8:ffff::1", "2001:db9::"},
           Case{"2001:db8::/33", "2001:db8:7fff::", "2001:db8:8000::"},
           Case{"2001:db8::1", "2001:db8::1", "2001:db8::2"},
           Case{"0.0.0.0/0", "255.1.2.3", "2001:db8::1"},
       }) {
    const auto block = Cidr::parse(c.block);
    ASSERT_TRUE(block) << c.block;
    EXPECT_TRUE(block->contains(ip(c.inside))) << c.block;
    EXPECT_FALSE(block->contains(ip(c.outside))) << c.block;
  }
}

TEST(Cidr, RefusesWhatIsNoBlock) {
  for (const char* text : {"", "/8", "10.0.0.0/", "10.0.0.0/33", "10.0.0.0/-1", "10.0.0.0/+8",
                           "10.0.0.0/8/8", "10.0.0/8", "::/129", "10.0.0.0/08x", "10.0.0.0 /8"}) {
    EXPECT_FALSE(Cidr::parse(text)) << text;
  }
}

TEST(Cidr, WritesItselfAsItWasMeant) {
  EXPECT_EQ(Cidr::parse("10.0.0.0/8")->text(), "10.0.0.0/8");
  EXPECT_EQ(Cidr::parse("192.0.2.1")->text(), "192.0.2.1/32");
  EXPECT_EQ(Cidr::parse("2001:db8::/32")->text(), "2001:db8::/32");
  EXPECT_EQ(Cidr::parse("::1")->text(), "::1/128");
}

TEST(Cidr, AnyOfSeveral) {
  const std::vector<Cidr> blocks{*Cidr::parse("10.0.0.0/8"), *Cidr::parse("::1")};
  EXPECT_TRUE(any_contains(blocks, ip("::1")));
  EXPECT_TRUE(any_contains(blocks, ip("::ffff:10.1.1.1")));
  EXPECT_FALSE(any_contains(blocks, ip("192.0.2.1")));
  EXPECT_FALSE(any_contains({}, ip("::1")));
}

TEST(AddressSet, ContainsWhatItsBlocksContain) {
  const std::vector<Cidr> blocks{*Cidr::parse("10.0.0.0/8"),     *Cidr::parse("10.1.2.0/24"),
                                 *Cidr::parse("192.0.2.7"),      *Cidr::parse("198.51.100.128/25"),
                                 *Cidr::parse("2001:db8::/33"),  *Cidr::parse("2001:db8:8000::/33"),
                                 *Cidr::parse("203.0.113.77/31")};
  const AddressSet set(blocks);
  for (const char* text : {"10.0.0.0", "10.255.255.255", "9.255.255.255", "11.0.0.0", "192.0.2.6",
                           "192.0.2.7", "192.0.2.8", "198.51.100.127", "198.51.100.128",
                           "198.51.100.255", "2001:db8::", "2001:db8:ffff:ffff:ffff:ffff:ffff:ffff",
                           "2001:db9::", "::", "203.0.113.76", "203.0.113.78"}) {
    const auto address = *IpAddress::parse(text);
    EXPECT_EQ(set.contains(address), any_contains(blocks, address)) << text;
  }
  EXPECT_FALSE(AddressSet({}).contains(*IpAddress::parse("10.0.0.1")));
  EXPECT_TRUE(AddressSet({*Cidr::parse("::/0")}).contains(*IpAddress::parse("10.0.0.1")));
}

}  // namespace
}  // namespace portcullis
