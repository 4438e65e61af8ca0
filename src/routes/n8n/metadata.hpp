#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace portcullis::routes {

/// What is wrong with a widget's `metadata`, in words for the client: it is an object, at most
/// `max_bytes` long when written down, 4 deep, of 50 keys in all with plain names; no name that
/// JavaScript gives a meaning of its own.
std::optional<std::string> metadata_fault(const boost::json::value& metadata,
                                          std::size_t max_bytes);

}  // namespace portcullis::routes
