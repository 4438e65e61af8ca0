#include "state/redis/admit_call.hpp"

#include <algorithm>

#include "base/text.hpp"

namespace portcullis::state {
namespace {

std::string_view bytes_of(const Key& key) {
  return {reinterpret_cast<const char*>(key.data()), sizeof(key)};
}

constexpr std::size_t kReplySize = 19;

WallTime from_millis(std::int64_t number) { return WallTime{Milliseconds{number}}; }

}  // namespace

AdmitCall::AdmitCall(const AdmitRequest& request, const KeyNames& names, std::uint32_t bucket,
                     std::string_view now, Milliseconds claim_life)
    : request_(request), names_(names), claim_life_(claim_life) {
  const auto here = [&](const Key& key) { return names.bucket_of(key) == bucket; };
  for (std::size_t i = 0; i < request.subject_count; ++i) {
    if (here(request.subjects[i].key)) {
      subjects_[subject_count_++] = static_cast<std::uint8_t>(i);
    }
  }
  for (std::size_t i = 0; i < request.count; ++i) {
    if (!here(request.charges[i].key)) continue;
    charges_[charge_count_++] = static_cast<std::uint8_t>(i);
    keys_.add(names.of("window", request.charges[i].key));
  }
  for (std::size_t s = 0; s < subject_count_; ++s) {
    keys_.add(names.of("pace", request.subjects[subjects_[s]].key));
  }
  const bool session = request.session && here(*request.session);
  const bool claim = request.claim && here(request.claim->session);
  std::int64_t revocables = 0;
  for (std::size_t i = 0; i < request.revocable_count; ++i) {
    if (!here(request.revocables[i])) continue;
    keys_.add(names.of("revoked", request.revocables[i]));
    ++revocables;
  }
  if (session) keys_.add(names.of("session", *request.session));
  if (claim) keys_.add(names.of("claim", request.claim->session));

  values_.add(now);
  values_.add(static_cast<std::int64_t>(charge_count_));
  values_.add(static_cast<std::int64_t>(subject_count_));
  values_.add(session ? "1" : "0");
  values_.add(!claim ? "0" : request.claim->use == Claim::Use::look ? "1" : "2");
  values_.add(claim ? bytes_of(request.claim->presenter) : std::string_view());
  values_.add(claim_life.count());
  values_.add(revocables);
  values_.add(epoch_millis(request.issued));
  for (std::size_t i = 0; i < charge_count_; ++i) {
    const Charge& charge = request.charges[charges_[i]];
    const auto at =
        std::find(subjects_.begin(), subjects_.begin() + subject_count_, charge.subject);
    values_.add(std::int64_t{charge.limit});
    values_.add(Milliseconds(charge.window).count());
    values_.add(std::int64_t{charge.cost});
    values_.add(at == subjects_.begin() + subject_count_ ? std::int64_t{Charge::kNobody}
                                                         : at - subjects_.begin());
  }
  for (std::size_t s = 0; s < subject_count_; ++s) {
    values_.add(request.subjects[subjects_[s]].hold_back ? "1" : "0");
  }
}

bool AdmitCall::take(const redis::Reply& r) {
  if (r.size() != kReplySize) return false;
  auto& admission = answer_.admission;
  admission.admitted = r[0].integer() != 0;
  const auto decided = r[1].integer();
  admission.decided_by =
      decided >= 0 && static_cast<std::size_t>(decided) < charge_count_ ? charges_[decided] : 0;
  admission.remaining = r[2].integer();
  admission.reset = Seconds{r[3].integer()};
  admission.paced = r[4].integer() != 0;
  admission.offence = r[5].integer() != 0;
  using Status = SessionView::Status;
  answer_.session.status = r[6].integer() == 2   ? Status::ended
                           : r[6].integer() == 1 ? Status::live
                                                 : Status::unknown;
  answer_.session.last_active = from_epoch_seconds(r[7].integer());
  answer_.session.message_count = static_cast<std::uint32_t>(r[8].integer());
  answer_.claim = r[9].integer() == 2   ? ClaimStanding::foreign
                  : r[9].integer() == 1 ? ClaimStanding::own
                                        : ClaimStanding::unknown;
  admission.limit = static_cast<std::uint32_t>(r[10].integer());
  taken_at_ = r[11].integer();
  claimed_ = r[12].integer() != 0;
  answer_.revoked = r[13].integer() != 0;
  auto& use = answer_.session.use;
  use.owner_active = from_millis(r[14].integer());
  use.others_active = from_millis(r[15].integer());
  use.others_network = text::parse_number<std::uint64_t>(r[16].text()).value_or(0);
  use.owner_early = static_cast<std::uint32_t>(r[17].integer());
  use.others_early = static_cast<std::uint32_t>(r[18].integer());
  return true;
}

bool AdmitCall::took() const noexcept {
  return answer_.admission.admitted && (charge_count_ > 0 || claimed_);
}

Words AdmitCall::returned_keys() const {
  Words out;
  for (std::size_t i = 0; i < charge_count_; ++i) {
    out.add(names_.of("window", request_.charges[charges_[i]].key));
  }
  for (std::size_t s = 0; s < subject_count_; ++s) {
    out.add(names_.of("pace", request_.subjects[subjects_[s]].key));
  }
  if (claimed_) out.add(names_.of("claim", request_.claim->session));
  return out;
}

Words AdmitCall::returned_values(std::string_view now) const {
  Words out;
  out.add(now);
  out.add(taken_at_);
  out.add(static_cast<std::int64_t>(charge_count_));
  out.add(static_cast<std::int64_t>(subject_count_));
  out.add(claimed_ ? bytes_of(request_.claim->presenter) : std::string_view());
  out.add(claim_life_.count());
  for (std::size_t i = 0; i < charge_count_; ++i) {
    const Charge& charge = request_.charges[charges_[i]];
    out.add(Milliseconds(charge.window).count());
    out.add(std::int64_t{charge.cost});
  }
  return out;
}

std::vector<std::uint32_t> buckets_of(const AdmitRequest& request, const KeyNames& names) {
  std::vector<std::uint32_t> out;
  const auto add = [&](const Key& key) {
    const auto bucket = names.bucket_of(key);
    if (std::ranges::find(out, bucket) == out.end()) out.push_back(bucket);
  };
  for (std::size_t i = 0; i < request.count; ++i) add(request.charges[i].key);
  for (std::size_t i = 0; i < request.revocable_count; ++i) add(request.revocables[i]);
  if (request.session) add(*request.session);
  if (request.claim) add(request.claim->session);
  if (out.empty()) out.push_back(0);
  return out;
}

AdmitAnswer decision_of(const std::vector<AdmitCall>& calls) {
  // A window that is full says more than a pace, and of several that refuse the longest wait is
  // told; of those that admitted, the one that is nearest to its limit.
  const auto goes_before = [](const Admission& a, const Admission& b) {
    if (a.admitted != b.admitted) return !a.admitted;
    if (a.admitted) return a.limit > 0 && (b.limit == 0 || a.remaining < b.remaining);
    return a.paced != b.paced ? b.paced : a.reset > b.reset;
  };
  AdmitAnswer out = calls.front().answer();
  for (std::size_t i = 1; i < calls.size(); ++i) {
    const AdmitAnswer& part = calls[i].answer();
    const bool offence = out.admission.offence || part.admission.offence;
    if (goes_before(part.admission, out.admission)) out.admission = part.admission;
    out.admission.offence = offence;
    if (part.session.status != SessionView::Status::unknown) out.session = part.session;
    out.revoked = out.revoked || part.revoked;
    if (part.claim != ClaimStanding::unknown) out.claim = part.claim;
  }
  if (!out.admission.admitted) out.claim = ClaimStanding::unknown;
  return out;
}

}  // namespace portcullis::state
