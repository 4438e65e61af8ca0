#pragma once
#include <boost/json/value.hpp>
#include <string>

#include "http/json_body.hpp"
#include "schema/decimal.hpp"

namespace portcullis::schema {

/// REQUIRES: a number of the document that the literals are of.
Decimal decimal_of(const boost::json::value& number, const http::NumberLiterals& literals);

/// One text for all values that JSON Schema calls equal: members in any order, 1 and 1.0.
///
/// Cost: linear in the value, but for the sorting of an object's members.
void append_canonical(std::string& out, const boost::json::value& value,
                      const http::NumberLiterals& literals);

}  // namespace portcullis::schema
