#include "net/stream.hpp"

#include <boost/asio/error.hpp>
#include <boost/asio/ssl/error.hpp>

namespace portcullis::net {

Result<std::size_t> io_result(const IoOperation& operation) {
  const auto& error = operation.error;
  if (!error) return operation.bytes;
  using boost::asio::error::basic_errors;
  ErrorCode code = ErrorCode::reset;
  if (error == boost::asio::error::eof || error == boost::asio::ssl::error::stream_truncated) {
    code = ErrorCode::closed;
  } else if (error == boost::asio::error::operation_aborted ||
             error == boost::asio::error::bad_descriptor) {
    code = ErrorCode::cancelled;
  } else if (error == boost::asio::error::connection_refused) {
    code = ErrorCode::refused;
  }
  return fail(code, error.message());
}

}  // namespace portcullis::net
