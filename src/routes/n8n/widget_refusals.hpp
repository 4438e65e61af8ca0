#pragma once
#include "pipeline/route.hpp"
#include "routes/n8n/refusal_texts.hpp"

namespace portcullis::routes {

/// Refusals in the form that n8n's own widget shows: it looks at no status, and shows `output` of a
/// plain answer or the items of a stream. So they have status 200, words for the visitor and the
/// event's id in them.
///
/// An API client (one without Origin, or that accepts application/problem+json) gets problem
/// details; so does a page that may not use the gateway, which could not read the answer anyway,
/// and whoever asks for what is not here.
class WidgetRefusals final : public pipeline::RefusalForm {
 public:
  explicit WidgetRefusals(const std::vector<config::SiteSettings>& sites) : texts_(sites) {}
  std::optional<http::Response> render(const http::Exchange& exchange, const http::Problem& problem,
                                       std::string_view error_id) const override;

  /// The words alone, for an answer that has begun.
  std::string words(const http::Exchange& exchange, http::Code code,
                    std::string_view error_id) const;

  /// Whether the caller reads a stream of events: the widget says so with `Accept: text/plain`.
  static bool wants_stream(const http::RequestHead& head);

 private:
  RefusalTexts texts_;
};

}  // namespace portcullis::routes
