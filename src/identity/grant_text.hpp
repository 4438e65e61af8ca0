#pragma once
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include "identity/accounts.hpp"

namespace portcullis::identity {

/// "ROLE" (then for `site`) or "ROLE@SITE".
/// @returns invalid_input with what is wrong.
Result<Grant> grant_in(std::string_view text, std::string_view site);

/// Of all; one that is there twice is taken once.
Result<std::vector<Grant>> grants_in(std::span<const std::string> texts, std::string_view site);

/// "admin,viewer@shop"; "-" where there are none.
std::string text_of(std::span<const Grant> grants);

}  // namespace portcullis::identity
