#pragma once
#include <memory>
#include <vector>

#include "routes/services.hpp"
#include "routes/widget/assets.hpp"

namespace portcullis::routes {

/// `/widget/`: the demo page, `embed.js` and what they load, out of the program itself: there is no
/// file system behind these paths.
class WidgetRoutes {
 public:
  explicit WidgetRoutes(Services services, std::span<const Asset> assets = embedded_assets());
  ~WidgetRoutes();
  void add_to(pipeline::RouteTable& table);

 private:
  class File;
  class Page;
  Services services_;
  std::span<const Asset> assets_;
  std::vector<std::unique_ptr<pipeline::RouteHandler>> handlers_;
};

}  // namespace portcullis::routes
