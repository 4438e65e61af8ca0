#include "guards/content/content_guard.hpp"

#include <algorithm>
#include <array>
#include <vector>

#include "guards/content/header_grammar.hpp"
#include "guards/content/passed_values.hpp"
#include "guards/content/request_texts.hpp"

namespace portcullis::guards {
namespace {

using audit::EventType;
using audit::ThreatLevel;
using detect::AttackClass;
using detect::Field;
using detect::Finding;
using pipeline::Verdict;

/// So much text is judged before other work of the worker goes first.
constexpr std::size_t kSlice = RequestTexts::kWindow;

constexpr std::size_t kLongestPlain = 64;
constexpr auto kPlain = [] {
  std::array<bool, 256> table{};
  for (unsigned c = 0; c < 256; ++c) {
    const char ch = static_cast<char>(c);
    table[c] = (ch >= '0' && ch <= '9') || (ch >= 'a' && ch <= 'z') || (ch >= 'A' && ch <= 'Z') ||
               ch == '_' || ch == '-' || ch == '/';
  }
  return table;
}();

/// Letters, digits, `_` and `-` in one run, or in several that `/` divides: too little to spell an
/// attack, and what nearly all paths, keys and ids are.
bool is_plain(std::string_view text) noexcept {
  return text.size() <= kLongestPlain && !text.starts_with("/etc") && !text.starts_with("/proc") &&
         std::ranges::all_of(text, [](char c) { return kPlain[static_cast<unsigned char>(c)]; });
}

/// What one worker judges with.
struct Desk {
  std::unique_ptr<detect::Scratch> scratch;
  std::unique_ptr<PassedValues> passed = std::make_unique<PassedValues>();
};

class ContentGuard final : public pipeline::Guard {
 public:
  ContentGuard(const detect::Inspector& inspector, observe::Metrics& metrics,
               std::vector<Desk> desks)
      : inspector_(inspector),
        desks_(std::move(desks)),
        found_(metrics.counter("portcullis_content_findings_total")) {
    for (std::size_t i = 0; i < detect::kAttackClasses; ++i) {
      cells_[i] = found_.cell({std::string(detect::kAttackClassTable[i].name)});
    }
    header_cell_ = found_.cell({"header"});
    complex_cell_ = found_.cell({"too_complex"});
  }

  std::string_view name() const noexcept override { return "content"; }

  pipeline::Decision on_request(http::Exchange& exchange) const override {
    if (exchange.framing_error()) return Verdict::pass();
    auto judged = judge_headers(exchange);
    if (!judged || *judged) return finish(std::move(judged));
    RequestTexts texts(exchange);
    judged = judge_slice(exchange, texts);
    if (!judged || *judged) return finish(std::move(judged));
    return judge_rest(exchange, std::move(texts));
  }

 private:
  /// Nothing: there is more to judge.
  using Judged = Result<std::optional<Verdict>>;

  static Result<Verdict> finish(Judged judged) {
    if (!judged) return std::unexpected(std::move(judged).error());
    return **std::move(judged);
  }

  Task<Result<Verdict>> judge_rest(http::Exchange& exchange, RequestTexts texts) const {
    for (;;) {
      co_await exchange.worker().yield();
      if (exchange.gone()) co_return Verdict::pass();
      auto judged = judge_slice(exchange, texts);
      if (!judged || *judged) co_return finish(std::move(judged));
    }
  }

  Judged judge_slice(const http::Exchange& exchange, RequestTexts& texts) const {
    RequestText text;
    for (std::size_t judged = 0; judged < kSlice;) {
      if (!texts.next(text)) return Verdict::pass();
      judged += text.text.size() + 16;
      if (text.kind != RequestText::Kind::prose && is_plain(text.text)) continue;
      const Field field = text.kind == RequestText::Kind::prose ? Field::prose : Field::structure;
      auto finding = inspector_.inspect(text.text, field, *desk(exchange).scratch);
      if (!finding) return std::unexpected(finding.error());
      // The address of a page that a visitor is on is shown and never fetched.
      if (text.kind == RequestText::Kind::url) finding->drop(AttackClass::ssrf);
      if (finding->decision == detect::Decision::refuse) return refuse(*finding, text.place);
    }
    return std::nullopt;
  }

  Judged judge_headers(const http::Exchange& exchange) const {
    Judged judged;
    exchange.head().for_each([&](std::string_view name, std::string_view value) {
      if (judged && !*judged) judged = judge_header(exchange, name, value);
    });
    return judged;
  }

  Judged judge_header(const http::Exchange& exchange, std::string_view name,
                      std::string_view value) const {
    switch (kind_of_header(name)) {
      case HeaderKind::credential:
        return std::nullopt;
      case HeaderKind::grammar:
        if (follows_grammar(value)) return std::nullopt;
        return suspicious_header();
      case HeaderKind::url: {
        if (!is_url_text(value)) return suspicious_header();
        const std::size_t host = value.find("://");
        const std::size_t path =
            host == std::string_view::npos ? 0 : std::min(value.find('/', host + 3), value.size());
        return judge_value(exchange, value.substr(path), Field::structure);
      }
      case HeaderKind::words:
        return judge_value(exchange, value, Field::prose);
      case HeaderKind::unknown:
        return judge_value(exchange, value, Field::structure);
    }
    return std::nullopt;
  }

  Judged judge_value(const http::Exchange& exchange, std::string_view value, Field field) const {
    if (is_plain(value)) return std::nullopt;
    const Desk& own = desk(exchange);
    if (own.passed->has(value, field)) return std::nullopt;
    const auto finding = inspector_.inspect(value, field, *own.scratch);
    if (!finding) return std::unexpected(finding.error());
    if (finding->decision == detect::Decision::pass) {
      own.passed->add(value, field);
      return std::nullopt;
    }
    auto verdict = refuse(*finding, "header");
    verdict.incident.further_codes.emplace_back("SEC_002");
    return verdict;
  }

  Verdict suspicious_header() const {
    found_.add(header_cell_);
    return Verdict::refuse(
        http::Problem(http::Code::content_refused, "A header of the request was refused."),
        {EventType::input_validation, ThreatLevel::medium, "SEC_002",
         "a header does not follow its grammar"});
  }

  Verdict refuse(const Finding& finding, std::string_view place) const {
    for (std::size_t i = 0; i < detect::kAttackClasses; ++i) {
      if (finding.classes.has(static_cast<AttackClass>(i))) found_.add(cells_[i]);
    }
    if (finding.flags.too_complex) found_.add(complex_cell_);
    auto codes = finding.codes();
    std::string classes;
    for (const auto cls : finding.class_names()) {
      classes += (classes.empty() ? "" : ",") + std::string(cls);
    }
    pipeline::Incident incident{EventType::input_validation, ThreatLevel::high,
                                std::string(codes.front()),
                                "refused content in the " + std::string(place)};
    incident.further_codes.assign(codes.begin() + 1, codes.end());
    incident.details = {{"place", std::string(place)}};
    if (!classes.empty()) incident.details.emplace("classes", classes);
    return Verdict::refuse(http::Problem(http::Code::content_refused), std::move(incident));
  }

  const Desk& desk(const http::Exchange& exchange) const {
    return desks_[exchange.worker().index() % desks_.size()];
  }

  const detect::Inspector& inspector_;
  std::vector<Desk> desks_;  ///< by worker
  observe::CounterFamily& found_;
  std::array<observe::CounterFamily::Cell, detect::kAttackClasses> cells_{};
  observe::CounterFamily::Cell header_cell_ = 0;
  observe::CounterFamily::Cell complex_cell_ = 0;
};

}  // namespace

Result<std::unique_ptr<pipeline::Guard>> make_content_guard(const detect::Inspector& inspector,
                                                            observe::Metrics& metrics,
                                                            unsigned workers) {
  std::vector<Desk> desks(std::max(workers, 1U));
  for (auto& desk : desks) {
    TRY(desk.scratch, inspector.make_scratch());
  }
  return std::make_unique<ContentGuard>(inspector, metrics, std::move(desks));
}

}  // namespace portcullis::guards
