#include "guards/address/address_guard.hpp"

#include "base/random.hpp"
#include "base/text.hpp"

namespace portcullis::guards {
namespace {

/// One element of Forwarded or X-Forwarded-For: an address with optional quotes, brackets and port.
std::optional<IpAddress> parse_hop(std::string_view text) {
  text = text::trim(text);
  if (text.size() >= 2 && text.front() == '"' && text.back() == '"')
    text = text.substr(1, text.size() - 2);
  if (text.starts_with('[')) {
    const auto end = text.find(']');
    return end == std::string_view::npos ? std::nullopt : IpAddress::parse(text.substr(1, end - 1));
  }
  if (const auto whole = IpAddress::parse(text)) return whole;
  return IpAddress::parse(text.substr(0, text.rfind(':')));
}

/// A parameter of a Forwarded element (RFC 7239 section 4).
std::string_view forwarded_parameter(std::string_view element, std::string_view name) {
  for (const auto pair : text::split_list(element, ';')) {
    const auto equals = pair.find('=');
    if (equals != std::string_view::npos &&
        text::iequals(text::trim(pair.substr(0, equals)), name)) {
      return text::trim(pair.substr(equals + 1));
    }
  }
  return {};
}

class AddressGuard final : public pipeline::Guard {
 public:
  AddressGuard(const config::Settings& settings, ForwardingWarning& warning)
      : trusted_(settings.trusted_proxies),
        header_(settings.forwarded_header),
        named_header_(settings.client_address_header),
        warning_(warning) {}

  std::string_view name() const noexcept override { return "address"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    exchange.request_id = Uuid::random(FastRandom::local());
    const auto& head = exchange.head();
    const bool forwarding = head.find("x-forwarded-for") || head.find("forwarded") ||
                            head.find("x-forwarded-proto") || head.find("x-real-ip") ||
                            (!named_header_.empty() && head.find(named_header_));
    if (!forwarding) return pipeline::Verdict::pass();
    if (!any_contains(trusted_, exchange.client.peer)) {
      exchange.client.forwarded_by_stranger = true;
      warning_.note(exchange.client.peer);
      return pipeline::Verdict::pass();
    }
    read_forwarding(exchange);
    return pipeline::Verdict::pass();
  }

 private:
  /// A proxy writes one kind of header and passes the other on as the visitor sent it, so only the
  /// kind that ours are known to write is read.
  void read_forwarding(http::Exchange& exchange) const {
    const auto& head = exchange.head();
    const bool standard = header_ == config::ForwardedHeader::forwarded;
    const auto hops = hops_of(head, standard ? "forwarded" : "x-forwarded-for");
    // The nearest proxy's word on the scheme is the last element.
    std::string_view scheme;
    if (!standard) {
      scheme = last_of(head, "x-forwarded-proto");
    } else if (!hops.empty()) {
      scheme = forwarded_parameter(hops.back(), "proto");
    }
    if (!scheme.empty()) exchange.client.https = text::iequals(scheme, "https");
    if (!named_header_.empty() && head.count(named_header_) == 1) {
      if (const auto address = parse_hop(head.get(named_header_)))
        exchange.client.address = *address;
      return;
    }
    exchange.client.address = visitor_of(hops, standard, exchange.client.peer);
  }

  static std::vector<std::string_view> hops_of(const http::RequestHead& head,
                                               std::string_view name) {
    std::vector<std::string_view> hops;
    head.for_each(name, [&](std::string_view value) {
      for (const auto hop : text::split_list(value)) hops.push_back(hop);
    });
    return hops;
  }

  /// From the right: every trusted hop is one of ours; the first other one is the visitor.
  IpAddress visitor_of(const std::vector<std::string_view>& hops, bool standard,
                       const IpAddress& peer) const {
    IpAddress visitor = peer;
    for (auto hop = hops.rbegin(); hop != hops.rend(); ++hop) {
      const auto address = parse_hop(standard ? forwarded_parameter(*hop, "for") : *hop);
      if (!address) break;
      visitor = *address;
      if (!any_contains(trusted_, *address)) break;
    }
    return visitor;
  }

  static std::string_view last_of(const http::RequestHead& head, std::string_view name) {
    std::string_view last;
    head.for_each(name, [&](std::string_view value) {
      const auto items = text::split_list(value);
      if (!items.empty()) last = items.back();
    });
    return last;
  }

  const std::vector<Cidr> trusted_;
  const config::ForwardedHeader header_;
  const std::string named_header_;
  ForwardingWarning& warning_;
};

}  // namespace

void ForwardingWarning::note(const IpAddress& peer) {
  if (seen_.load(std::memory_order_relaxed)) return;
  {
    const std::lock_guard lock(mutex_);
    if (seen_.exchange(true)) return;
    peer_ = peer;
  }
  const std::string text = peer.text();
  log_.write(
      observe::Level::warning,
      "SECURITY_ALERT a peer that is not trusted sends forwarding headers; if it is your proxy, "
      "add it to TRUSTED_PROXIES, else every visitor counts as this one address",
      {{"peer", text}});
}

std::string ForwardingWarning::peer() const {
  const std::lock_guard lock(mutex_);
  return peer_.text();
}

std::unique_ptr<pipeline::Guard> make_address_guard(const config::Settings& settings,
                                                    ForwardingWarning& warning) {
  return std::make_unique<AddressGuard>(settings, warning);
}

}  // namespace portcullis::guards
