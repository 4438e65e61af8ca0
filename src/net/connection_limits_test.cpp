#include "net/connection_limits.hpp"

#include <atomic>
#include <string>
#include <thread>
#include <vector>

#include "proves.hpp"

namespace portcullis::net {
namespace {

using Outcome = ConnectionLimits::Outcome;

IpAddress ip(const char* text) { return IpAddress::parse(text).value(); }

TEST(ConnectionLimits, BoundsAnAddressAndTheTotal) {
  ConnectionLimits limits(3, 2);
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::address_reached);
  EXPECT_EQ(limits.open(), 2U) << "one that is refused takes no place";
  EXPECT_EQ(limits.admit(ip("192.0.2.2")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("192.0.2.3")), Outcome::total_reached);
  EXPECT_EQ(limits.open(), 3U);
  limits.release(ip("192.0.2.1"));
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::admitted);
}

TEST(ConnectionLimits, CountsIpv6BySlash64AndMappedAddressesAsIpv4) {
  ConnectionLimits limits(100, 1);
  EXPECT_EQ(limits.admit(ip("2001:db8:1:2::1")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("2001:db8:1:2:ffff::2")), Outcome::address_reached);
  EXPECT_EQ(limits.admit(ip("2001:db8:1:3::1")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("::ffff:192.0.2.1")), Outcome::address_reached);
  limits.release(ip("2001:db8:1:2:abcd::9"));
  EXPECT_EQ(limits.admit(ip("2001:db8:1:2::1")), Outcome::admitted);
}

TEST(ConnectionLimits, ATrustedProxyIsBoundByTheTotalAlone) {
  ConnectionLimits limits(5, 1);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limits.admit(ip("10.0.0.1"), false), Outcome::admitted);
  EXPECT_EQ(limits.admit(ip("10.0.0.1"), false), Outcome::total_reached);
  for (int i = 0; i < 5; ++i) limits.release(ip("10.0.0.1"), false);
  EXPECT_EQ(limits.open(), 0U);
  EXPECT_EQ(limits.admit(ip("10.0.0.1")), Outcome::admitted);
}

TEST(ConnectionLimits, AReloadNarrowsWithoutClosing) {
  ConnectionLimits limits(10, 10);
  for (int i = 0; i < 5; ++i) EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::admitted);
  limits.set(10, 3);
  EXPECT_EQ(limits.admit(ip("192.0.2.1")), Outcome::address_reached);
  limits.set(4, 100);
  EXPECT_EQ(limits.admit(ip("192.0.2.2")), Outcome::total_reached);
  EXPECT_EQ(limits.open(), 5U);
}

TEST(ConnectionLimits, ThreadsNeverOpenMoreThanTheLimits) {
  ConnectionLimits limits(64, 16);
  std::atomic<int> highest{0};
  std::atomic<int> now{0};
  std::vector<std::thread> threads;
  for (int t = 0; t < 8; ++t) {
    threads.emplace_back([&, t] {
      const IpAddress address = IpAddress::v4(static_cast<std::uint32_t>(0xc0000200 + t % 3));
      std::vector<int> held;
      for (int i = 0; i < 5000; ++i) {
        if (limits.admit(address) == Outcome::admitted) {
          held.push_back(i);
          int seen = ++now;
          int old = highest;
          while (seen > old && !highest.compare_exchange_weak(old, seen)) {
          }
        }
        if (!held.empty() && i % 3 == 0) {
          held.pop_back();
          --now;
          limits.release(address);
        }
      }
      for (std::size_t i = 0; i < held.size(); ++i) {
        --now;
        limits.release(address);
      }
    });
  }
  for (auto& thread : threads) thread.join();
  EXPECT_LE(highest, 48);
  EXPECT_EQ(limits.open(), 0U);
}

}  // namespace
}  // namespace portcullis::net
