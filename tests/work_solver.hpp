#pragma once
#include <boost/json.hpp>
#include <string>

#include "base/text.hpp"
#include "crypto/digest.hpp"

namespace portcullis {

/// Does the work that a challenge asks for; what is sent in X-Challenge-Solution, empty where no
/// number solves it.
inline std::string solve_work(const boost::json::object& task) {
  const std::string salt(task.at("salt").as_string());
  for (std::int64_t n = 0; n <= task.at("max_number").as_int64(); ++n) {
    const auto digest = crypto::sha256(salt + std::to_string(n));
    if (text::hex(crypto::bytes_of(digest)) == task.at("target").as_string()) {
      return salt + "." + std::to_string(n) + "." + std::string(task.at("signature").as_string());
    }
  }
  return {};
}

/// The same where the challenge stands among the members of a problem.
inline std::string solve_work(const std::string& members) {
  const auto problem = boost::json::parse("{" + members + "}");
  return solve_work(problem.at("challenge").as_object());
}

}  // namespace portcullis
