// Header lines with cookies and bearer tokens: nothing but what we issued is believed.
#include <string>

#include "fuzz/fuzz.hpp"
#include "http/fields.hpp"
#include "http/head_parser.hpp"
#include "identity/session_tokens.hpp"

namespace {

using portcullis::fuzz::require;
using portcullis::identity::SessionTokens;

// The seeds hold tokens that make_seeds.py signed with these.
const std::vector<std::string>& secrets() {
  static const std::vector<std::string> both{"fuzzing session secret one, no secret at all",
                                             "fuzzing session secret two, no secret at all"};
  return both;
}

void check_token(const SessionTokens& tokens, const SessionTokens& second, std::string_view token) {
  const auto claims = tokens.verify(token);
  if (!claims) return;
  require(tokens.issue(*claims) == token || second.issue(*claims) == token,
          "a token that verifies is letter for letter one that we issue");
  require(
      tokens.handle(portcullis::identity::SessionTokens::Audience::client, *claims).size() == 32,
      "a handle has 32 characters");
}

}  // namespace

extern "C" int LLVMFuzzerTestOneInput(const std::uint8_t* data, std::size_t size) {
  static const SessionTokens tokens(secrets());
  static const SessionTokens second({secrets()[1]});
  const auto input = portcullis::fuzz::text_of(data, size);
  check_token(tokens, second, input);

  std::string bytes = "GET / HTTP/1.1\r\nHost: a\r\n";
  bytes.append(input).append("\r\n\r\n");
  portcullis::http::RequestHead head;
  if (bytes.size() > portcullis::http::kMaxHeadBytes) return 0;
  if (!portcullis::http::parse_request_head(bytes, head)) return 0;
  const auto values = portcullis::http::cookie_values(head, "chat_session_id");
  require(values.size() <= 4, "the number of cookies is bounded");
  for (const auto value : values) {
    require(value.find(';') == std::string_view::npos, "a cookie ends at its semicolon");
    check_token(tokens, second, value);
  }
  if (const auto bearer = portcullis::http::bearer_token(head)) {
    require(head.count("authorization") == 1, "one Authorization");
    check_token(tokens, second, *bearer);
  }
  const auto& presenters = tokens.presenters();
  const portcullis::IpAddress address;
  const auto presenter = presenters.of(head, address, {});
  require(presenter == presenters.of(head, address, {}), "who presents it is the same twice");
  require((presenter.user_agent == 0) == head.get("user-agent").empty(), "0: no User-Agent");
  require(portcullis::identity::may_be_one_device(presenter.platform, presenter.platform),
          "a device is itself");
  (void)portcullis::http::has_preference(head, "respond-async");
  constexpr std::string_view kOffered[] = {"application/json", "text/event-stream"};
  const auto chosen = portcullis::http::negotiate(head.get("accept"), kOffered);
  require(!chosen || *chosen < 2, "what is chosen was offered");
  (void)portcullis::http::charset(head.get("content-type"));
  (void)portcullis::http::query_parameter(head.get("x-query"), "a");
  return 0;
}
