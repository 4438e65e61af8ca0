#pragma once
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

namespace portcullis::http {

enum class Method : std::uint8_t {
  get,
  head,
  post,
  put,
  delete_,
  patch,
  options,
  connect,
  trace,
  other
};

std::string_view name_of(Method method) noexcept;
/// `other` for one that is not known.
Method method_of(std::string_view name) noexcept;

/// The parsed head of a request. Holds positions in a buffer that somebody else owns, so it can be
/// moved together with the bytes.
///
/// Ownership: the buffer must outlive it; rebase() when the bytes moved.
class RequestHead {
 public:
  Method method = Method::other;
  int version = 11;  ///< 10 or 11; 20 for HTTP/2

  std::string_view method_text() const noexcept { return view(method_text_); }
  std::string_view target() const noexcept { return view(target_); }
  /// The path as sent, still percent-encoded; `*` for OPTIONS *.
  std::string_view path() const noexcept { return view(path_); }
  /// What follows `?`, without it.
  std::string_view query() const noexcept { return view(query_); }
  /// Host and port of an absolute target; empty for the usual form.
  std::string_view authority() const noexcept { return view(authority_); }
  /// Scheme of an absolute target.
  std::string_view scheme() const noexcept { return view(scheme_); }

  /// The first value of a header, without white space around it.
  std::optional<std::string_view> find(std::string_view name) const noexcept;
  std::string_view get(std::string_view name) const noexcept { return find(name).value_or(""); }
  std::size_t count(std::string_view name) const noexcept;
  std::size_t field_count() const noexcept { return fields_.size(); }
  template <class Visit>
  void for_each(Visit visit) const {
    for (const auto& field : fields_) visit(view(field.name), view(field.value));
  }
  template <class Visit>
  void for_each(std::string_view name, Visit visit) const {
    for (const auto& field : fields_) {
      if (same_name(view(field.name), name)) visit(view(field.value));
    }
  }
  /// Whether a list header (Connection, Accept-Encoding …) has this token, in any case.
  bool has_token(std::string_view name, std::string_view token) const noexcept;

  // For parsers.
  void reset(std::string_view bytes);
  void rebase(const char* base) noexcept { base_ = base; }
  void set_request_line(std::string_view method_text, std::string_view target);
  void add_field(std::string_view name, std::string_view value);

 private:
  struct Piece {
    std::uint16_t at = 0;
    std::uint16_t size = 0;
  };
  struct Field {
    Piece name;
    Piece value;
  };

  static bool same_name(std::string_view a, std::string_view b) noexcept;
  std::string_view view(Piece piece) const noexcept { return {base_ + piece.at, piece.size}; }
  Piece piece(std::string_view text) const noexcept {
    if (text.empty()) return {};
    return {static_cast<std::uint16_t>(text.data() - base_),
            static_cast<std::uint16_t>(text.size())};
  }

  const char* base_ = "";
  Piece method_text_, target_, path_, query_, authority_, scheme_;
  std::vector<Field> fields_;
};

}  // namespace portcullis::http
