#pragma once
#include <cstdint>
#include <expected>
#include <string>
#include <utility>

namespace portcullis {

/// What went wrong, in the terms a caller can act on. HTTP statuses are chosen elsewhere
/// (http/problem.hpp).
enum class ErrorCode : std::uint8_t {
  invalid_input,  ///< a value that breaks its own rules
  malformed,      ///< bytes that do not follow their grammar
  too_large,      ///< over a limit of size or count
  timeout,        ///< a deadline passed
  closed,         ///< the peer closed the connection in order
  reset,          ///< the connection broke
  refused,        ///< nobody accepts there
  exhausted,      ///< a bounded resource is used up
  unavailable,    ///< a dependency does not work now
  not_found,
  unauthorized,  ///< a dependency did not accept our credential
  withheld,      ///< whom we asked keeps the answer back
  cancelled,
  internal,
};

/// Whose fault it is: decides status, log level and whether a breaker counts it.
enum class ErrorOrigin : std::uint8_t { client, upstream, gateway };

/// Whether the same call may succeed later and is known not to have been executed.
enum class Retry : std::uint8_t { no, safe };

/// An expected failure. `detail` is for the log only: it never reaches a client.
struct Error {
  ErrorCode code = ErrorCode::internal;
  ErrorOrigin origin = ErrorOrigin::gateway;
  Retry retry = Retry::no;
  std::string detail;
};

template <class T>
using Result = std::expected<T, Error>;

inline std::unexpected<Error> fail(ErrorCode code, std::string detail,
                                   ErrorOrigin origin = ErrorOrigin::gateway,
                                   Retry retry = Retry::no) {
  return std::unexpected(Error{code, origin, retry, std::move(detail)});
}

}  // namespace portcullis

#define PORTCULLIS_CAT_(a, b) a##b
#define PORTCULLIS_CAT(a, b) PORTCULLIS_CAT_(a, b)

/// TRY(auto value, expression): unwraps a Result or returns its Error from the enclosing function.
#define TRY(declaration, expression)                                                  \
  auto PORTCULLIS_CAT(try_result_, __LINE__) = (expression);                          \
  if (!PORTCULLIS_CAT(try_result_, __LINE__)) {                                       \
    return std::unexpected(std::move(PORTCULLIS_CAT(try_result_, __LINE__)).error()); \
  }                                                                                   \
  declaration = *std::move(PORTCULLIS_CAT(try_result_, __LINE__))
