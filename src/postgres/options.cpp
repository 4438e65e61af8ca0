#include "postgres/options.hpp"

namespace portcullis::postgres {
namespace {

/// Whom the system trusts, where the URL names no authority; libpq would look in a home directory.
constexpr const char* kSystemAuthorities = "/etc/ssl/certs/ca-certificates.crt";

}  // namespace

Options Options::of(const config::DatabaseUrl& url) {
  Options out;
  std::string hosts;
  std::string ports;
  for (const auto& server : url.servers) {
    if (!hosts.empty()) {
      hosts += ',';
      ports += ',';
    }
    hosts += server.host;
    ports += std::to_string(server.port);
  }
  out.name = "PostgreSQL " + hosts + ":" + ports + "/" + url.database;
  out.connect_timeout = url.connect_timeout;
  out.parameters = {{"host", std::move(hosts)},
                    {"port", std::move(ports)},
                    {"user", url.user},
                    {"password", url.password},
                    {"dbname", url.database},
                    {"sslmode", url.sslmode},
                    {"sslrootcert", url.sslrootcert},
                    {"sslcert", url.sslcert},
                    {"sslkey", url.sslkey},
                    {"gssencmode", "disable"},
                    {"client_encoding", "UTF8"},
                    {"application_name", "portcullis"},
                    {"tcp_user_timeout", std::to_string(out.deadline.count())}};
  if (url.sslrootcert.empty() && url.sslmode.starts_with("verify-")) {
    out.parameters.emplace_back("sslrootcert", kSystemAuthorities);
  }
  // Of several the one that takes writes: after a failover another.
  if (url.servers.size() > 1) out.parameters.emplace_back("target_session_attrs", "read-write");
  return out;
}

}  // namespace portcullis::postgres
