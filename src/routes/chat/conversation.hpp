#pragma once
#include <list>
#include <memory>
#include <string>
#include <string_view>

#include "routes/websocket/conduct.hpp"
#include "routes/websocket/socket.hpp"

namespace portcullis::routes {

/// One visitor's WebSocket: what he says becomes requests of the chat API, which take the road of
/// all requests, and their answers become frames.
///
/// Threads:   the worker of its connection.
/// Ownership: lives while run() does, which ends only after every request it made.
/// Bounds:    kMostUnderWay requests at a time; the limits of the chat API for each.
class Conversation final : private http::websocket::Listener {
 public:
  static constexpr std::size_t kMostUnderWay = 8;

  Conversation(const Services& services, http::Exchange& exchange, Socket& socket);
  ~Conversation();
  Conversation(const Conversation&) = delete;
  Conversation& operator=(const Conversation&) = delete;

  /// To the end of the connection.
  Task<void> run();

 private:
  class Request;
  /// What a request is for.
  enum class Purpose : std::uint8_t { validate, message, subscribe };
  using Message = http::websocket::Connection::Message;

  Task<void> converse();
  Task<void> authenticate_at_opening();
  Task<void> take(Message message);
  Task<void> take_object(std::string_view type, const boost::json::value& object, Message message);
  Task<void> take_token(const boost::json::value& object);
  Task<void> take_message(std::string body);
  Task<void> subscribe(const boost::json::value& object);

  /// Sends an error frame about a message, and ends the connection where it was one too many.
  Task<void> refuse(const http::Problem& problem, std::string code, std::string reason);
  Task<void> refuse_credential(std::string frame);
  void note_bad(bool too_fast);

  std::string request_head(std::string_view method, std::string_view path,
                           std::string_view own_fields) const;
  std::shared_ptr<Request> begin(std::shared_ptr<Request> request);
  std::shared_ptr<Request> begin_vouched(Purpose purpose, std::string head, std::string body = {});
  Task<void> run_request(std::shared_ptr<Request> request);
  void judge(Request& request);
  void accept(http::Exchange& proven);

  void on_hook();
  void hear(const std::string& text) override { (void)socket_.connection.offer(text); }
  static void on_expired(void* self);
  static void on_too_late(void* self);
  void end_session(std::string_view why);
  void close_if_drained();

  const Services& s_;
  http::Exchange& exchange_;
  Socket& socket_;
  SocketConduct conduct_;
  std::list<std::shared_ptr<Request>> requests_;
  Request* subscription_ = nullptr;
  net::Signal progress_;
  net::DeadlineTimer deadline_;  ///< to show a session, then the life of that
  net::DeadlineTimer expiry_;
  bool authenticated_ = false;
};

}  // namespace portcullis::routes
