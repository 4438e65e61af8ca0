#include "commands/password_input.hpp"

#include <signal.h>
#include <termios.h>
#include <unistd.h>

#include <array>
#include <cerrno>
#include <cstring>
#include <iostream>

#include "crypto/digest.hpp"
#include "crypto/wipe.hpp"

namespace portcullis::commands {
namespace {

constexpr std::size_t kMaxLine = 4096;
constexpr std::array kEnding{SIGINT, SIGTERM, SIGHUP, SIGQUIT, SIGTSTP};

volatile sig_atomic_t interrupted = 0;

/// While it lives nothing that is typed is shown, and signals end a read instead of the program.
class Unseen {
 public:
  Unseen() {
    struct sigaction action{};
    action.sa_handler = [](int) { interrupted = 1; };  // without SA_RESTART
    for (std::size_t i = 0; i < kEnding.size(); ++i) {
      ::sigaction(kEnding[i], &action, &actions_[i]);
    }
    ok_ = ::tcgetattr(STDIN_FILENO, &before_) == 0;
    termios unseen = before_;
    unseen.c_lflag &= ~static_cast<tcflag_t>(ECHO);
    ok_ = ok_ && ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &unseen) == 0;
  }
  ~Unseen() {
    if (ok_) ::tcsetattr(STDIN_FILENO, TCSAFLUSH, &before_);
    for (std::size_t i = 0; i < kEnding.size(); ++i) {
      ::sigaction(kEnding[i], &actions_[i], nullptr);
    }
  }
  Unseen(const Unseen&) = delete;
  Unseen& operator=(const Unseen&) = delete;
  bool ok() const noexcept { return ok_; }

 private:
  termios before_{};
  std::array<struct sigaction, kEnding.size()> actions_{};
  bool ok_ = false;
};

/// A line of the terminal, which hands out lines; past the streams, which would keep a copy.
Result<std::string> ask(const char* question) {
  std::cerr << question << std::flush;
  std::string line;
  std::array<char, kMaxLine> buffer{};
  const crypto::WipeAtEnd wipe(buffer);
  while (!line.ends_with('\n') && line.size() <= kMaxLine) {
    const auto got = ::read(STDIN_FILENO, buffer.data(), buffer.size());
    if (got < 0 && errno == EINTR && interrupted == 0) continue;
    if (got <= 0) {
      crypto::wipe(line);
      std::cerr << "\n";
      return fail(ErrorCode::cancelled, "no password was typed", ErrorOrigin::client);
    }
    line.append(buffer.data(), static_cast<std::size_t>(got));
  }
  std::cerr << "\n";
  line.pop_back();
  return line;
}

}  // namespace

Result<std::string> first_line(std::istream& in, std::size_t max_bytes) {
  std::string line;
  char c = 0;
  bool any = false;
  while (in.get(c)) {
    any = true;
    if (c == '\n') break;
    if (line.size() == max_bytes) {
      crypto::wipe(line);
      return fail(ErrorCode::invalid_input, "the line on standard input is too long",
                  ErrorOrigin::client);
    }
    line += c;
  }
  if (!any) {
    return fail(ErrorCode::invalid_input, "there is nothing on standard input",
                ErrorOrigin::client);
  }
  return line;
}

bool is_terminal() { return ::isatty(STDIN_FILENO) == 1; }

Result<std::string> ask_new_password() {
  const Unseen unseen;
  if (!unseen.ok()) return fail(ErrorCode::unavailable, "the terminal cannot be asked unseen");
  TRY(std::string password, ask("New password: "));
  auto again = ask("Once more: ");
  if (!again) {
    crypto::wipe(password);
    return again;
  }
  const bool equal = crypto::equal_constant_time(password, *again);
  crypto::wipe(*again);
  if (!equal) {
    crypto::wipe(password);
    return fail(ErrorCode::invalid_input, "the two passwords differ", ErrorOrigin::client);
  }
  return password;
}

}  // namespace portcullis::commands
