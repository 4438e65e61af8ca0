#pragma once
#include <cstdint>
#include <span>
#include <string>
#include <string_view>
#include <vector>

#include <boost/json/fwd.hpp>

#include "http/exchange.hpp"
#include "http/multipart_form.hpp"
#include "pipeline/route.hpp"

namespace portcullis::guards {

/// A piece of text of a request, and how it is held.
struct RequestText {
  enum class Kind : std::uint8_t {
    structure,
    prose,
    url,  ///< structure, but a machine of ours in it is nothing remarkable
  };
  Kind kind = Kind::structure;
  std::string_view place;  ///< path, query or body; for events
  std::string_view text;
};

/// The texts of a request one after the other: path, query, keys and strings of a JSON body,
/// or names, fields and names of files of a form, but for what the route calls a secret. Long
/// ones come in windows that overlap, so that judging one takes bounded time.
///
/// Threads:   a value; one worker.
/// Ownership: what it gives out lives until the next call.
/// Bounds:    a stack as deep as JSON may be; a window of kWindow bytes.
class RequestTexts {
 public:
  static constexpr std::size_t kWindow = 64 * 1024;
  static constexpr std::size_t kOverlap = 1024;

  explicit RequestTexts(const http::Exchange& exchange);
  /// @returns false after the last one.
  bool next(RequestText& out);

 private:
  using Kind = RequestText::Kind;
  struct Level {
    const boost::json::value* value;
    Kind kind;
    std::size_t at = 0;
    bool key_given = false;
  };

  bool next_whole(RequestText& out);
  bool next_of_query(RequestText& out);
  bool next_of_form(RequestText& out);
  bool next_of_body(RequestText& out);
  Kind kind_of(std::string_view name, Kind otherwise) const noexcept;

  const pipeline::Route& route_;
  std::string_view path_;
  std::string_view query_;
  std::string decoded_;  ///< a query parameter with its plus signs as spaces
  Kind value_kind_ = Kind::structure;
  std::string_view value_;  ///< of the parameter whose name was given
  std::span<const http::FormPart> parts_;
  bool part_named_ = false;  ///< the name of the first of them was given
  std::vector<Level> levels_;
  RequestText long_;  ///< what is left of a text beyond its first window
};

}  // namespace portcullis::guards
