#pragma once
#include <boost/asio/ip/tcp.hpp>
#include <functional>
#include <string>
#include <vector>

#include "base/result.hpp"
#include "base/task.hpp"
#include "net/worker.hpp"

namespace portcullis::net {

using Endpoints = std::vector<boost::asio::ip::tcp::endpoint>;

/// Takes what a lookup found; called at most once, on the worker's thread.
using LookupDone = std::move_only_function<void(Result<Endpoints>)>;
/// Asks a name service and returns at once. Cannot be cancelled: what it found may come late.
using Lookup =
    std::function<void(Worker&, const std::string& host, std::uint16_t port, LookupDone)>;

/// Asks the system (getaddrinfo, on the one resolver thread of the worker's loop).
void system_lookup(Worker& worker, const std::string& host, std::uint16_t port, LookupDone done);

/// The endpoints of a name, within `patience`.
///
/// What was found is kept for 30 s. For five minutes more it is answered at once while a fresh
/// lookup runs, so a name service that is slow or gone is not felt by calls to a known name. One
/// lookup of a name runs at a time on a worker, and all who ask meanwhile wait for it; a lookup
/// that nobody waits for any more still fills the cache.
///
/// Threads: the worker's, which has a cache of its own.
/// Errors:  timeout, unavailable; both Retry::safe.
Task<Result<Endpoints>> resolve(Worker& worker, std::string host, std::uint16_t port,
                                Milliseconds patience, Lookup lookup = system_lookup);

}  // namespace portcullis::net
