#include "guards/blocks/country_database.hpp"

#include <arpa/inet.h>
#include <maxminddb.h>
#include <netinet/in.h>

#include <cstring>

namespace portcullis::guards {

Result<std::unique_ptr<CountryDatabase>> CountryDatabase::open(const std::string& path) {
  auto file = std::make_unique<MMDB_s>();
  const int status = MMDB_open(path.c_str(), MMDB_MODE_MMAP, file.get());
  if (status != MMDB_SUCCESS) {
    return fail(status == MMDB_FILE_OPEN_ERROR ? ErrorCode::not_found : ErrorCode::malformed,
                "geo.database " + path + ": " + MMDB_strerror(status));
  }
  return std::unique_ptr<CountryDatabase>(new CountryDatabase(std::move(file)));
}

CountryDatabase::CountryDatabase(std::unique_ptr<MMDB_s> file) : file_(std::move(file)) {}

CountryDatabase::~CountryDatabase() { MMDB_close(file_.get()); }

std::string_view CountryDatabase::country_of(const IpAddress& address) const {
  const auto& bytes = address.bytes();
  sockaddr_storage socket{};
  // An IPv4 address is looked up as one: databases keep those at ::/96, and not where sockets do.
  if (address.is_v4()) {
    auto& v4 = reinterpret_cast<sockaddr_in&>(socket);
    v4.sin_family = AF_INET;
    std::memcpy(&v4.sin_addr, bytes.data() + 12, 4);
  } else {
    auto& v6 = reinterpret_cast<sockaddr_in6&>(socket);
    v6.sin6_family = AF_INET6;
    std::memcpy(&v6.sin6_addr, bytes.data(), 16);
  }
  int error = MMDB_SUCCESS;
  auto found =
      MMDB_lookup_sockaddr(file_.get(), reinterpret_cast<const sockaddr*>(&socket), &error);
  if (error != MMDB_SUCCESS || !found.found_entry) return {};
  MMDB_entry_data_s data{};
  const auto is_text = [&](int status) {
    return status == MMDB_SUCCESS && data.has_data && data.type == MMDB_DATA_TYPE_UTF8_STRING;
  };
  if (is_text(MMDB_get_value(&found.entry, &data, "country", "iso_code", nullptr)) ||
      is_text(MMDB_get_value(&found.entry, &data, "registered_country", "iso_code", nullptr)) ||
      is_text(MMDB_get_value(&found.entry, &data, "country_code", nullptr)) ||
      is_text(MMDB_get_value(&found.entry, &data, "country", nullptr))) {
    return {data.utf8_string, data.data_size};
  }
  return {};
}

}  // namespace portcullis::guards
