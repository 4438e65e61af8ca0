#include "routes/widget/widget_routes.hpp"

#include <algorithm>

#include "base/text.hpp"
#include "crypto/digest.hpp"
#include "http/fields.hpp"

namespace portcullis::routes {
namespace {

std::string escape_attribute(std::string_view text) {
  std::string out;
  for (const char c : text) {
    switch (c) {
      case '&':
        out += "&amp;";
        break;
      case '<':
        out += "&lt;";
        break;
      case '>':
        out += "&gt;";
        break;
      case '"':
        out += "&quot;";
        break;
      default:
        out += c;
    }
  }
  return out;
}

/// Replaces `@@NAME@@` by its value; unknown names stay.
std::string fill(std::string_view page,
                 const std::vector<std::pair<std::string, std::string>>& values) {
  std::string out;
  out.reserve(page.size() + 512);
  while (true) {
    const auto start = page.find("@@");
    out += page.substr(0, start);
    if (start == std::string_view::npos) return out;
    const auto end = page.find("@@", start + 2);
    if (end == std::string_view::npos) return out += page.substr(start);
    const auto name = page.substr(start + 2, end - start - 2);
    const auto value =
        std::find_if(values.begin(), values.end(), [&](const auto& v) { return v.first == name; });
    out += value == values.end() ? page.substr(start, end + 2 - start)
                                 : std::string_view(value->second);
    page.remove_prefix(end + 2);
  }
}

}  // namespace

/// A file in the forms that it was built in. Each has an entity tag of its own: whoever has one of
/// them does not have the others.
class WidgetRoutes::File final : public pipeline::RouteHandler {
 public:
  File(const Services& services, const Asset& asset) : s_(services), asset_(asset) {
    add_form("br", asset.brotli);
    add_form("gzip", asset.gzip);
    add_form(kIdentity, asset.content);
  }

  Task<void> serve(http::Exchange& exchange) override {
    const auto coding = http::negotiate_coding(exchange.head(), codings_);
    if (!coding) {
      co_return co_await s_.reporter->answer(
          exchange, http::Problem(http::Code::not_acceptable, "No Accept-Encoding fits."));
    }
    const auto& form = *std::ranges::find(forms_, *coding, &Form::coding);
    http::Response response;
    response.headers.add("ETag", form.etag);
    response.headers.add("Cache-Control", asset_.immutable ? "public, max-age=31536000, immutable"
                                                           : "public, max-age=300");
    response.headers.add("Vary", "Accept-Encoding, Origin");
    if (http::none_match_names(exchange.head(), form.etag)) {
      response.status = 304;
    } else {
      response.content_type = asset_.type;
      response.static_body = form.content;
      if (*coding != kIdentity) response.headers.add("Content-Encoding", *coding);
    }
    co_await exchange.send(std::move(response));
  }

 private:
  static constexpr std::string_view kIdentity = "identity";

  struct Form {
    std::string_view coding;
    std::string_view content;
    std::string etag;
  };

  void add_form(std::string_view coding, std::string_view content) {
    if (content.empty()) return;
    const auto hash = text::hex(crypto::bytes_of(crypto::sha256(content)).substr(0, 12));
    forms_.push_back({coding, content, '"' + hash + '"'});
    codings_.push_back(coding);
  }

  const Services& s_;
  const Asset& asset_;
  std::vector<Form> forms_;                ///< the shortest first
  std::vector<std::string_view> codings_;  ///< theirs
};

class WidgetRoutes::Page final : public pipeline::RouteHandler {
 public:
  Page(const Services& services, const Asset& asset)
      : settings_(*services.settings), asset_(asset) {}

  Task<void> serve(http::Exchange& exchange) override {
    exchange.csp_nonce = text::base64url(crypto::random_bytes(16));
    auto body = fill(asset_.content,
                     {{"NONCE", exchange.csp_nonce},
                      {"WIDGET_TITLE", escape_attribute(settings_.widget_title)},
                      {"WIDGET_PLACEHOLDER", escape_attribute(settings_.widget_placeholder)},
                      {"WIDGET_WELCOME", escape_attribute(settings_.widget_welcome)},
                      {"WIDGET_POSITION", escape_attribute(settings_.widget_position)},
                      {"WIDGET_THEME", escape_attribute(settings_.widget_theme)}});
    auto response = http::Response::text(200, asset_.type, std::move(body));
    response.headers.add("Cache-Control", "no-store");  // the nonce is of this answer alone
    co_await exchange.send(std::move(response));
  }

 private:
  const config::Settings& settings_;
  const Asset& asset_;
};

WidgetRoutes::WidgetRoutes(Services services, std::span<const Asset> assets)
    : services_(std::move(services)), assets_(assets) {}

WidgetRoutes::~WidgetRoutes() = default;

void WidgetRoutes::add_to(pipeline::RouteTable& table) {
  for (const Asset& asset : assets_) {
    pipeline::Route route;
    route.name = asset.is_template ? "widget_page" : "widget_file";
    route.path = "/widget/" + std::string(asset.path == "index.html" ? "" : asset.path);
    route.methods = {http::Method::get};
    route.cls = pipeline::RouteClass::light;
    route.headers =
        asset.is_template ? pipeline::HeaderPolicy::page : pipeline::HeaderPolicy::asset;
    route.handler =
        handlers_
            .emplace_back(asset.is_template ? std::unique_ptr<pipeline::RouteHandler>(
                                                  std::make_unique<Page>(services_, asset))
                                            : std::make_unique<File>(services_, asset))
            .get();
    table.add(std::move(route));
  }
}

}  // namespace portcullis::routes
