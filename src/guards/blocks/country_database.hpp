#pragma once
#include <memory>
#include <string>
#include <string_view>

#include "base/address.hpp"
#include "base/result.hpp"

struct MMDB_s;

namespace portcullis::guards {

/// Which country an address belongs to, by a database in MaxMind's format: GeoLite2, GeoIP2, DB-IP
/// or IPinfo.
///
/// Threads: immutable; any.
/// Ownership: maps the file, which must not be written to meanwhile; a newer one is renamed to it.
/// Cost:    about 0.4 us.
/// Source:  MaxMind DB file format 2.0, by libmaxminddb.
class CountryDatabase {
 public:
  /// Errors: not_found, malformed.
  static Result<std::unique_ptr<CountryDatabase>> open(const std::string& path);
  ~CountryDatabase();
  CountryDatabase(const CountryDatabase&) = delete;
  CountryDatabase& operator=(const CountryDatabase&) = delete;

  /// The ISO 3166-1 code; empty where the database does not know it. Lives as long as this.
  std::string_view country_of(const IpAddress& address) const;

 private:
  explicit CountryDatabase(std::unique_ptr<MMDB_s> file);

  std::unique_ptr<MMDB_s> file_;
};

}  // namespace portcullis::guards
