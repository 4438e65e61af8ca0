#pragma once
#include <string>

#include "http/exchange.hpp"
#include "routes/proxy/answer_rules.hpp"
#include "routes/services.hpp"
#include "upstream/http_channel.hpp"

namespace portcullis::routes {

/// Passes an answer on whose route looks into answers: what must not leave is masked, or the rest
/// withheld, from the beginning where that has not gone out. Of an answer that has an end,
/// kGathered bytes are waited for before it begins; others are cut.
///
/// Threads:   the worker of the exchange.
/// Ownership: of what it is given until it returns; `head` is what goes out, `body` what has come
///            with the service's head.
/// Errors:    as of the channel and the exchange, and `cancelled` where the answer is withheld. The
///            exchange may be unanswered then.
class AnswerRelay {
 public:
  static constexpr std::size_t kGathered = 64 * 1024;

  AnswerRelay(const Services& services, const AnswerRules& rules, const std::string& service,
              bool compresses)
      : s_(services), rules_(rules), service_(service), compresses_(compresses) {}

  /// Whether there is anything to be read in an answer, or it must not pass unread.
  static bool is_for(const upstream::HttpChannel& channel, std::string_view body);
  Task<Result<void>> pass(http::Exchange& exchange, upstream::HttpChannel& channel,
                          http::ResponseHead head, std::string body) const;

 private:
  Task<Result<void>> pass_scanned(http::Exchange& exchange, upstream::HttpChannel& channel,
                                  http::ResponseHead head, std::string body,
                                  detect::LeakScanner& scanner) const;
  /// A problem document where nothing has gone out.
  Task<Result<void>> withhold(http::Exchange& exchange, pipeline::Incident incident) const;

  const Services& s_;
  const AnswerRules& rules_;
  const std::string& service_;
  const bool compresses_;  ///< what has been looked into
};

}  // namespace portcullis::routes
