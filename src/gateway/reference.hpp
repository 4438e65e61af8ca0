#pragma once
#include <string>
#include <string_view>

namespace portcullis::gateway {

/// A page of docs/reference: `configuration`, `errors` or `metrics`. Empty for any other name.
std::string reference_page(std::string_view name);

}  // namespace portcullis::gateway
