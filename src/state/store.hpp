#pragma once
#include <array>
#include <cstdint>
#include <optional>
#include <string>
#include <string_view>
#include <vector>

#include "base/clock.hpp"
#include "base/eventual.hpp"
#include "base/result.hpp"
#include "base/session_use.hpp"
#include "state/key.hpp"
#include "state/revocation.hpp"

namespace portcullis::state {

/// One window that a request is charged to.
struct Charge {
  static constexpr std::uint8_t kNobody = 255;
  std::string_view tier;  ///< static text: the name in headers, events and metrics
  Key key{};
  std::uint32_t limit = 0;
  Seconds window{60};
  std::uint32_t cost = 1;
  /// Who is throttled where this window refuses: an index of AdmitRequest::subjects. Nobody is for
  /// a window that many share.
  std::uint8_t subject = kNobody;
  /// By how many nodes `limit` was divided; conduct is judged by the whole of it.
  std::uint32_t parts = 1;
  bool whole = false;   ///< a node by itself does not divide it: who is over it is punished
  bool shared = false;  ///< many are charged to it at a time, such as all visitors of a site
};

/// What became of a request's charges.
struct Admission {
  bool admitted = true;
  std::size_t decided_by =
      0;                    ///< index of the charge that refused, or that is nearest to its limit
  std::uint32_t limit = 0;  ///< of that charge, as it held for this caller
  std::int64_t remaining = 0;  ///< of it, after this request
  Seconds reset{0};            ///< until that window has room again (refused) or is empty
  bool paced = false;          ///< what refused is the pace of a throttled subject, not a window
  bool offence = false;        ///< a subject goes on far beyond its limit
};

/// A message of a conversation.
struct Message {
  enum class Role : std::uint8_t { user, assistant };
  Role role = Role::user;
  std::string id;
  std::string content;
  WallTime created;
  std::string
      client_id;  ///< client_message_id of a user's message; the user message's id of an answer
};

/// What is known about a stored session.
struct SessionView {
  enum class Status : std::uint8_t {
    unknown,      ///< no message yet, or forgotten
    live,         ///< stored
    ended,        ///< destroyed
    provisional,  ///< what is shared cannot be asked now
  };
  Status status = Status::unknown;
  WallTime last_active;
  std::uint32_t message_count = 0;
  SessionUse use{};
};

/// A session that its client named itself, and who names it. Whoever knows the name can claim it,
/// so the store remembers who did.
struct Claim {
  enum class Use : std::uint8_t {
    look,  ///< only asks
    take,  ///< where it is admitted, the presenter is remembered
  };
  Key session{};
  Key presenter{};
  Use use = Use::look;
};

/// How a claim stood before it was made.
enum class ClaimStanding : std::uint8_t {
  unknown,  ///< nobody is remembered: new, or forgotten
  own,      ///< this presenter is remembered
  foreign,  ///< others are
};

/// Whose pace and conduct are watched, beside its windows: an address, a session, a user.
struct Subject {
  Key key{};
  bool hold_back = false;  ///< paced in any case
};

struct AdmitRequest {
  static constexpr std::size_t kMaxCharges = 9;
  static constexpr std::size_t kMaxSubjects = 2;
  static constexpr std::size_t kMaxRevocables = 4;
  std::array<Charge, kMaxCharges> charges;
  std::size_t count = 0;
  std::array<Subject, kMaxSubjects> subjects;
  std::size_t subject_count = 0;
  std::optional<Key> session;  ///< looked up in the same flight
  std::optional<Claim> claim;  ///< likewise
  /// Likewise: what the caller's credential may have been revoked by.
  std::array<Key, kMaxRevocables> revocables{};
  std::size_t revocable_count = 0;
  WallTime issued;  ///< the credential

  void add(const Charge& charge) { charges[count++] = charge; }
  /// @returns its index. Its first charge tells the pace where it is held back.
  std::uint8_t add(const Subject& subject) {
    subjects[subject_count] = subject;
    return static_cast<std::uint8_t>(subject_count++);
  }
  void may_be_revoked_by(const Key& key) { revocables[revocable_count++] = key; }
};

struct AdmitAnswer {
  Admission admission;
  SessionView session;
  ClaimStanding claim = ClaimStanding::unknown;
  bool revoked = false;  ///< by one of the keys that were asked for: nothing was charged
  bool alone = false;    ///< decided by this node, since what is shared cannot be asked
};

/// Who sends a message, as far as a session tells people apart.
struct Sender {
  bool is_owner = false;
  std::uint64_t network = 0;  ///< a keyed hash
};

/// A user's message on its way into a session.
struct NewMessage {
  SessionId session{};
  WallTime session_created;  ///< for the first one, which stores the session
  WallTime session_expires;
  Message message;
  bool keep_text = true;         ///< false: site setting `history: off`
  std::optional<Sender> sender;  ///< noted in the session's use; nullopt: nobody can tell
};

struct BeginOutcome {
  enum class Kind : std::uint8_t {
    started,
    duplicate,  ///< this client id was seen with the same text: `message_id` is the first one's
    conflict,   ///< this client id was seen with another text
    store_full,
    ended,
  };
  Kind kind = Kind::started;
  std::string message_id;
  std::uint32_t message_count = 0;
  bool is_followed = false;  ///< somebody reads the session's events at another node, or lately did
};

struct HistoryPage {
  std::vector<Message> messages;
  std::uint64_t total = 0;
};

struct StoreFigures {
  std::size_t limiter_keys = 0;
  std::size_t sessions = 0;         ///< stored
  std::size_t silent_sessions = 0;  ///< created in the idle time, without a message yet
  std::size_t history_bytes = 0;
  std::size_t claimed_sessions = 0;  ///< of which a presenter is remembered
};

/// Everything that all workers, and where it is in Redis all nodes, share about visitors.
///
/// Threads:   safe from any. An answer is ready at once, or a Task that ends on the calling worker.
/// Ownership: arguments are copied where they must outlive the call.
/// Errors:    unavailable: could not decide; nothing was charged.
class Store {
 public:
  virtual ~Store() = default;

  /// Charges all windows or none, as one decision, and looks session and claim up on the way.
  virtual Eventual<Result<AdmitAnswer>> admit(const AdmitRequest& request) = 0;

  /// Adds to the reputation of a subject, for better or worse (state::Reputation).
  /// @returns what it is then.
  virtual Eventual<Result<double>> note(const Key& subject, double points) = 0;

  /// Counts a created session; `create` is refused (false) while no further one could be stored.
  virtual Eventual<Result<bool>> session_created(const Key& session, WallTime created) = 0;
  virtual Eventual<Result<BeginOutcome>> begin_message(NewMessage message) = 0;
  /// Adds the assistant's answer to a stored session.
  virtual Eventual<Result<void>> add_answer(const SessionId& session, Message answer) = 0;
  /// The assistant failed: the same client id sent again starts anew instead of being a duplicate.
  virtual Eventual<Result<void>> fail_message(const SessionId& session,
                                              std::string_view message_id) = 0;
  /// Newest last; offset 0 is the oldest message that is kept.
  virtual Eventual<Result<HistoryPage>> history(const SessionId& session, std::size_t limit,
                                                std::size_t offset) = 0;
  /// The answer to the user's message with this id, where it is kept.
  virtual Eventual<Result<std::optional<Message>>> find_answer(const SessionId& session,
                                                               std::string_view message_id) = 0;
  /// Ends a session: its data goes, its token is refused from now on.
  virtual Eventual<Result<void>> end_session(const SessionId& session, WallTime created) = 0;

  /// Voids credentials, from now on. Never refused because others cannot be told now: they are told
  /// later.
  virtual Eventual<Result<void>> revoke(const Revocation& revocation) = 0;

  /// Sessions end after this time without a message; from now on.
  virtual void set_session_idle(Seconds idle) = 0;

  virtual StoreFigures figures() const = 0;
};

}  // namespace portcullis::state
