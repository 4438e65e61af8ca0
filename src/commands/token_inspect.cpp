// `portcullis token inspect`.
#include <boost/json.hpp>
#include <ostream>

#include "base/json_text.hpp"
#include "base/text.hpp"
#include "commands/token_commands.hpp"
#include "commands/token_keys.hpp"
#include "http/json_body.hpp"

namespace portcullis::commands {
namespace {

namespace json = boost::json;

/// What a token says, whoever made it.
struct Said {
  json::object header;
  json::object claims;
};

std::optional<json::object> object_in(std::string_view part) {
  const auto bytes = text::base64url_decode(part);
  if (!bytes) return std::nullopt;
  auto parsed = http::parse_json(*bytes, {.max_depth = 8, .max_keys = 256});
  if (!parsed || !parsed->is_object()) return std::nullopt;
  return std::move(parsed->as_object());
}

/// Nothing where it has not the form of a JWT, or what is in it cannot be shown.
std::optional<Said> said_in(std::string_view token) {
  const auto first = token.find('.');
  if (first == std::string_view::npos) return std::nullopt;
  const auto second = token.find('.', first + 1);
  if (second == std::string_view::npos) return std::nullopt;
  auto header = object_in(token.substr(0, first));
  auto claims = object_in(token.substr(first + 1, second - first - 1));
  if (!header || !claims) return std::nullopt;
  return Said{*std::move(header), *std::move(claims)};
}

/// What becomes of it here.
struct Judgement {
  std::string fault;     ///< "JWT_014 exp"; empty where it verifies
  std::string_view use;  ///< where it verifies
  std::string_view revoked_by;
  std::string user;  ///< who `sub` is; empty where nobody is stored
  bool disabled = false;
};

Result<Judgement> judge(Accounts& accounts, const identity::UserTokens& tokens,
                        std::string_view token) {
  Judgement out;
  const auto known = verify(tokens, token, accounts.now);
  if (!known) {
    out.fault = known.error().text();
    return out;
  }
  out.use = known->use == identity::UserTokens::Use::access ? "access" : "refresh";
  TRY(out.revoked_by, revoked_by(*accounts.store, known->claims, accounts.now));
  const auto user = accounts.store->user(known->claims.subject);
  if (!user && user.error().code != ErrorCode::not_found) return std::unexpected(user.error());
  if (user) {
    out.user = user->name;
    out.disabled = user->disabled.has_value();
  }
  return out;
}

void append_text_or_null(std::string& out, std::string_view name, std::string_view value) {
  if (!value.empty()) return text::append_json_member(out, name, value);
  text::append_json_name(out, name);
  out += "null";
}

void append_bool(std::string& out, std::string_view name, bool value) {
  text::append_json_name(out, name);
  out += value ? "true" : "false";
}

std::string json_of(const Said& said, const Judgement& judgement) {
  std::string out;
  text::append_json_name(out, "header");
  out += json::serialize(said.header);
  text::append_json_name(out, "claims");
  out += json::serialize(said.claims);
  append_bool(out, "verifies", judgement.fault.empty());
  append_text_or_null(out, "fault", judgement.fault);
  append_text_or_null(out, "use", judgement.use);
  append_text_or_null(out, "revoked_by", judgement.revoked_by);
  append_text_or_null(out, "user", judgement.user);
  append_bool(out, "user_disabled", judgement.disabled);
  return out + "}\n";
}

bool is_time(std::string_view name) {
  return name == "iat" || name == "nbf" || name == "exp" || name == "auth_time";
}

/// Names and values as JSON: what somebody made up moves no cursor.
void print(const json::object& object, std::string_view what, std::ostream& out) {
  for (const auto& member : object) {
    const std::string quoted = json::serialize(json::string(member.key()));
    out << what << " " << quoted.substr(1, quoted.size() - 2) << ": "
        << json::serialize(member.value());
    const auto* seconds = member.value().if_int64();
    constexpr std::int64_t kLastSecond = 7'258'118'400;  // of the year 2199
    if (seconds != nullptr && is_time(member.key()) && *seconds >= 0 && *seconds < kLastSecond) {
      out << " (" << text::iso8601(from_epoch_seconds(*seconds)) << ")";
    }
    out << "\n";
  }
}

void print(const Said& said, const Judgement& judgement, std::ostream& out) {
  print(said.header, "header", out);
  print(said.claims, "claim", out);
  if (!judgement.fault.empty()) {
    out << "verifies: no, " << judgement.fault << "\n";
    return;
  }
  out << "verifies: yes, " << judgement.use << " token\n";
  out << "revoked: " << (judgement.revoked_by.empty() ? "no" : "yes, by its ")
      << judgement.revoked_by << "\n";
  out << "user: " << (judgement.user.empty() ? "not stored" : judgement.user)
      << (judgement.disabled ? ", disabled" : "") << "\n";
}

}  // namespace

int token_inspect(const TokenInspect& wanted, const Streams& streams) {
  return with_tokens(
      wanted.config, streams,
      [&](Accounts& accounts, const identity::UserTokens& tokens) -> Result<ExitStatus> {
        TRY(const std::string token, token_given(wanted.token, streams.in));
        const auto said = said_in(token);
        TRY(const auto judgement, judge(accounts, tokens, token));
        if (!said) {
          return fail(ErrorCode::malformed, "this is no JSON Web Token: " + judgement.fault,
                      ErrorOrigin::client);
        }
        if (wanted.json) {
          streams.out << json_of(*said, judgement);
        } else {
          print(*said, judgement, streams.out);
        }
        return kDone;
      });
}

}  // namespace portcullis::commands
