#pragma once
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "config/settings.hpp"
#include "http/multipart_form.hpp"
#include "pipeline/route.hpp"
#include "upstream/n8n_visit.hpp"

namespace portcullis::routes {

/// What n8n's own chat widget may send, and nothing else: two actions, their members and types, the
/// form of the session's id, the size of metadata, number, names and content of files.
///
/// Threads: immutable; any worker.
class WidgetProfile final : public pipeline::BodySchema, public pipeline::ClaimReader {
 public:
  explicit WidgetProfile(const config::Settings& settings);

  std::optional<http::Problem> check(const http::JsonBody& body) const override;
  std::optional<http::Problem> check(const http::MultipartForm& form) const override;
  std::optional<pipeline::ClaimedSession> claim_in(const http::Exchange& exchange) const override;

  /// The call in a body that has passed; `raw` are the bytes of that body. Only what comes from the
  /// body is filled in. nullopt where the body guard has not read one.
  std::optional<upstream::N8nVisit> visit_in(const http::Exchange& exchange,
                                             std::string_view raw) const;

 private:
  std::optional<http::Problem> check_action(std::string_view action) const;
  std::optional<http::Problem> check_session(std::string_view id) const;
  std::optional<http::Problem> check_message(std::string_view message, bool has_files) const;
  std::optional<http::Problem> check_file(const http::FormPart& part) const;

  const std::string session_key_;
  const std::string input_key_;
  const std::size_t max_message_chars_;
  const std::size_t max_metadata_bytes_;
  const std::size_t max_files_;
  const std::vector<std::string> upload_types_;
};

}  // namespace portcullis::routes
