#pragma once
#include <boost/json/value.hpp>
#include <optional>
#include <string>

namespace portcullis::routes {

/// What is wrong with the reason that an operator gives for what he does: it must be 1 to 200 bytes
/// of text without controls.
std::optional<std::string> reason_fault(const boost::json::value& value);

}  // namespace portcullis::routes
