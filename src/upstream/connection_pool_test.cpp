#include "upstream/connection_pool.hpp"

#include <boost/asio/ip/tcp.hpp>
#include <boost/asio/steady_timer.hpp>
#include <thread>

#include "proves.hpp"

namespace portcullis::upstream {
namespace {

using boost::asio::ip::tcp;

/// A listener of loopback whose backlog takes the connections.
class ConnectionPoolTest : public testing::Test {
 protected:
  ConnectionPool::Options options(Milliseconds patience) {
    ConnectionPool::Options out;
    out.target.host = "127.0.0.1";
    out.target.port = acceptor_.local_endpoint().port();
    out.connect_timeout = patience;
    return out;
  }

  struct Taken {
    int times = 0;
    std::optional<Result<ConnectionPool::Lease>> lease;
  };
  static Task<void> take(ConnectionPool& pool, Taken& out) {
    auto lease = co_await pool.acquire();
    ++out.times;
    out.lease = std::move(lease);
  }

  struct Rounds {
    std::atomic<int> failed{0};
    std::atomic<int> going{2};
  };
  static Task<void> take_turns(net::Worker& worker, ConnectionPool& pool, Rounds& rounds) {
    for (int n = 0; n < 200; ++n) {
      auto lease = co_await pool.acquire();
      if (!lease) {
        ++rounds.failed;
        continue;
      }
      if (n % 3 == 0) co_await worker.yield();
      pool.release(std::move(lease->stream), n % 5 != 0);
    }
    --rounds.going;
  }

  boost::asio::io_context listening_;
  tcp::acceptor acceptor_{listening_, {boost::asio::ip::address_v4::loopback(), 0}};
  std::vector<tcp::socket> accepted_;
};

TEST_F(ConnectionPoolTest, AConnectionThatComesInTheTickInWhichPatienceEndsResumesTheCallerOnce) {
  ManualClock clock;
  net::Worker worker(0, clock);
  auto& context = worker.context();
  const auto budget = std::make_shared<ConnectionBudget>(1);
  const auto pool = std::make_shared<ConnectionPool>(worker, options(Milliseconds{100}), budget);
  Taken first;
  spawn(take(*pool, first));
  while (first.times == 0) context.run_one();
  ASSERT_TRUE(*first.lease);
  Taken second;
  spawn(take(*pool, second));
  clock.advance(std::chrono::milliseconds{200});
  // Both timers have come when the loop looks: first this one, then the wheel's.
  boost::asio::steady_timer release(context, std::chrono::milliseconds{1});
  release.async_wait([&](const boost::system::error_code&) {
    pool->release(std::move((*first.lease)->stream), true);
  });
  std::this_thread::sleep_for(std::chrono::milliseconds{40});
  context.restart();
  context.run_for(std::chrono::milliseconds{100});
  EXPECT_EQ(second.times, 1);
  ASSERT_TRUE(second.lease);
  EXPECT_TRUE(*second.lease);
}

TEST_F(ConnectionPoolTest, TheOnlyConnectionGoesToTheWorkerThatWaitsForIt) {
  net::Worker here(0);
  net::Worker there(1);
  const auto budget = std::make_shared<ConnectionBudget>(1);
  const auto mine = std::make_shared<ConnectionPool>(here, options(Milliseconds{2000}), budget);
  const auto other = std::make_shared<ConnectionPool>(there, options(Milliseconds{2000}), budget);
  Taken first;
  spawn(take(*mine, first));
  while (first.times == 0) here.context().run_one();
  Taken second;
  spawn(take(*other, second));
  mine->release(std::move((*first.lease)->stream), true);
  for (int i = 0; i < 100 && second.times == 0; ++i) {
    for (auto* worker : {&here, &there}) {
      worker->context().restart();
      worker->context().run_for(std::chrono::milliseconds{2});
    }
  }
  ASSERT_EQ(second.times, 1);
  EXPECT_TRUE(*second.lease);
}

TEST_F(ConnectionPoolTest, WorkersThatPassOneConnectionToAndFroMissNoTurn) {
  const auto budget = std::make_shared<ConnectionBudget>(1);
  std::array<net::Worker, 2> workers{net::Worker(0), net::Worker(1)};
  std::array<std::shared_ptr<ConnectionPool>, 2> pools;
  for (std::size_t i = 0; i < 2; ++i) {
    pools[i] = std::make_shared<ConnectionPool>(workers[i], options(Milliseconds{3000}), budget);
  }
  Rounds rounds;
  {
    std::array<std::jthread, 3> threads;
    for (std::size_t i = 0; i < 2; ++i) {
      workers[i].post([&, i] { spawn(take_turns(workers[i], *pools[i], rounds)); });
      threads[i] = std::jthread([&workers, i] { workers[i].run(); });
    }
    // What the backlog holds must be taken away.
    threads[2] = std::jthread([&](const std::stop_token& stop) {
      acceptor_.non_blocking(true);
      while (!stop.stop_requested()) {
        boost::system::error_code none;
        tcp::socket taken(listening_);
        acceptor_.accept(taken, none);
        if (none) std::this_thread::yield();
        if (!none) accepted_.push_back(std::move(taken));
      }
    });
    while (rounds.going > 0) std::this_thread::yield();
    for (auto& worker : workers) worker.stop();
  }
  EXPECT_EQ(rounds.failed, 0);
}

}  // namespace
}  // namespace portcullis::upstream
