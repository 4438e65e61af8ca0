#pragma once
#include <array>
#include <vector>

#include "redis/reply.hpp"
#include "state/redis/key_names.hpp"
#include "state/redis/words.hpp"
#include "state/store.hpp"

namespace portcullis::state {

/// That part of an AdmitRequest which lies in one bucket of Redis: one call of the script `admit`,
/// and where another part refused, the one of `give_back`.
///
/// Threads: one.  Ownership: outlived by the request.
class AdmitCall {
 public:
  AdmitCall(const AdmitRequest& request, const KeyNames& names, std::uint32_t bucket,
            std::string_view now, Milliseconds claim_life);

  /// Of `admit`.
  const Words& keys() const noexcept { return keys_; }
  const Words& values() const noexcept { return values_; }
  /// Takes the reply to it. @returns false where it is none.
  bool take(const redis::Reply& reply);
  const AdmitAnswer& answer() const noexcept { return answer_; }

  /// Whether something was charged or remembered.
  bool took() const noexcept;
  /// Of `give_back`. REQUIRES: took().
  Words returned_keys() const;
  Words returned_values(std::string_view now) const;

 private:
  const AdmitRequest& request_;
  const KeyNames& names_;
  const Milliseconds claim_life_;
  std::array<std::uint8_t, AdmitRequest::kMaxCharges> charges_{};
  std::size_t charge_count_ = 0;
  std::array<std::uint8_t, AdmitRequest::kMaxSubjects> subjects_{};
  std::size_t subject_count_ = 0;
  Words keys_;
  Words values_;
  AdmitAnswer answer_;
  std::int64_t taken_at_ = 0;  ///< in milliseconds, by the server's clock
  bool claimed_ = false;       ///< the presenter is remembered since this call
};

/// The buckets that a request has anything in, each once.
std::vector<std::uint32_t> buckets_of(const AdmitRequest& request, const KeyNames& names);

/// One decision out of those of all parts. REQUIRES: at least one.
AdmitAnswer decision_of(const std::vector<AdmitCall>& calls);

}  // namespace portcullis::state
