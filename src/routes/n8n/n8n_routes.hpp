#pragma once
#include <memory>
#include <string>
#include <vector>

#include "routes/n8n/widget_profile.hpp"
#include "routes/n8n/widget_refusals.hpp"
#include "routes/services.hpp"
#include "upstream/n8n.hpp"

namespace portcullis::routes {

/// The face that n8n's own chat widget speaks to: the webhooks of N8N_WEBHOOK_URL (and its `/chat`)
/// and of N8N_ALLOWED_PATHS, under the paths that they have on n8n. See README.md.
class N8nRoutes {
 public:
  explicit N8nRoutes(Services services);
  ~N8nRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  class Visit;
  class Page;
  /// A site whose assistant is n8n, and what may be called there.
  struct Site {
    std::shared_ptr<upstream::N8n> n8n;  ///< null: another assistant answers
    std::vector<std::string> paths;
  };

  /// The path of a request as n8n knows it; empty where it is none of the request's site.
  std::string_view path_of(const http::Exchange& exchange) const;

  Services services_;
  std::vector<Site> sites_;  ///< by pipeline::Site::index
  WidgetProfile profile_;
  WidgetRefusals refusals_;
  std::unique_ptr<pipeline::RouteHandler> visit_, page_;
};

}  // namespace portcullis::routes
