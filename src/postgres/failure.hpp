#pragma once
#include <libpq-fe.h>

#include <cstdint>
#include <exception>
#include <string>
#include <utility>

#include "base/result.hpp"

namespace portcullis::postgres {

/// Why a statement failed. Thrown within a transaction and caught at its edge.
class Failure final : public std::exception {
 public:
  enum class Kind : std::uint8_t {
    refused,   ///< by the server, which goes on
    conflict,  ///< with another transaction: the same again may succeed
    lost,      ///< the connection is
    silent,    ///< so is the connection, for the server said nothing in time
  };

  Failure(Kind kind, Error error) : kind_(kind), error_(std::move(error)) {}
  const char* what() const noexcept override { return error_.detail.c_str(); }
  Kind kind() const noexcept { return kind_; }
  const Error& error() const noexcept { return error_; }

 private:
  Kind kind_;
  Error error_;
};

/// What the server refuses with, in our terms.  Source: PostgreSQL documentation, appendix A.
Failure failure_of(const PGresult* result);
/// The same for an attempt to connect; libpq's text for it names host, user and database, and never
/// a password.
Error connect_error(const PGconn* connection);

}  // namespace portcullis::postgres
