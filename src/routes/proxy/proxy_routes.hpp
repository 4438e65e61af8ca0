#pragma once
#include <memory>
#include <vector>

#include "pipeline/route.hpp"
#include "routes/proxy/described_body.hpp"
#include "routes/proxy/forwarding.hpp"
#include "routes/proxy/socket_proxy.hpp"
#include "routes/services.hpp"

namespace portcullis::routes {

/// The protected routes of the configuration: requests that the guards let pass go on to a service,
/// and its answers come back, both as fast as the slower side takes them.
///
/// Threads: any worker; immutable.
class ProxyRoutes {
 public:
  explicit ProxyRoutes(Services services);
  ~ProxyRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  void add_described(pipeline::RouteTable& table, pipeline::Route route,
                     const config::ProtectedRoute& proxy);
  void add_socket(pipeline::RouteTable& table, std::size_t entry);

  const Services services_;
  const Forwarding forwarding_;
  std::vector<std::unique_ptr<pipeline::RouteHandler>> proxies_;
  std::vector<std::unique_ptr<DescribedBody>> bodies_;
  std::vector<std::unique_ptr<SocketProxy>> sockets_;
  Admitted admitted_;
};

}  // namespace portcullis::routes
