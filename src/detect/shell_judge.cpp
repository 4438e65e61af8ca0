#include <algorithm>
#include <array>

#include "base/text.hpp"
#include "detect/tokenizers.hpp"

namespace portcullis::detect {
namespace {

constexpr std::size_t kLongestCommand = 160;

/// How much a command's name alone says.
enum class Command : std::uint8_t {
  none,
  filter,   ///< what honest pipelines consist of
  word,     ///< also a word of the language, or so short that it says little
  unusual,  ///< nobody writes it by chance
};

struct Named {
  std::string_view name;
  Command kind;
};

constexpr auto kCommands = [] {
  using C = Command;
  std::array names{
      Named{"whoami", C::unusual},
      Named{"ifconfig", C::unusual},
      Named{"ipconfig", C::unusual},
      Named{"systeminfo", C::unusual},
      Named{"netstat", C::unusual},
      Named{"uname", C::unusual},
      Named{"tasklist", C::unusual},
      Named{"printenv", C::unusual},
      Named{"wget", C::unusual},
      Named{"curl", C::unusual},
      Named{"nslookup", C::unusual},
      Named{"traceroute", C::unusual},
      Named{"tracert", C::unusual},
      Named{"tcpdump", C::unusual},
      Named{"ncat", C::unusual},
      Named{"netcat", C::unusual},
      Named{"socat", C::unusual},
      Named{"telnet", C::unusual},
      Named{"powershell", C::unusual},
      Named{"pwsh", C::unusual},
      Named{"cmd", C::unusual},
      Named{"cmd.exe", C::unusual},
      Named{"powershell.exe", C::unusual},
      Named{"bash", C::unusual},
      Named{"zsh", C::unusual},
      Named{"dash", C::word},
      Named{"ksh", C::unusual},
      Named{"chmod", C::unusual},
      Named{"chown", C::unusual},
      Named{"useradd", C::unusual},
      Named{"adduser", C::unusual},
      Named{"usermod", C::unusual},
      Named{"crontab", C::unusual},
      Named{"certutil", C::unusual},
      Named{"bitsadmin", C::unusual},
      Named{"wmic", C::unusual},
      Named{"schtasks", C::unusual},
      Named{"rundll32", C::unusual},
      Named{"regsvr32", C::unusual},
      Named{"mshta", C::unusual},
      Named{"lsof", C::unusual},
      Named{"pwd", C::unusual},
      Named{"ps", C::word},
      Named{"id", C::word},
      Named{"ls", C::unusual},
      Named{"dir", C::word},
      Named{"cat", C::word},
      Named{"type", C::word},
      Named{"more", C::word},
      Named{"less", C::filter},
      Named{"head", C::filter},
      Named{"tail", C::filter},
      Named{"tac", C::unusual},
      Named{"nl", C::word},
      Named{"od", C::word},
      Named{"xxd", C::unusual},
      Named{"strings", C::word},
      Named{"base64", C::word},
      Named{"echo", C::word},
      Named{"printf", C::word},
      Named{"sleep", C::word},
      Named{"ping", C::word},
      Named{"nc", C::word},
      Named{"sh", C::word},
      Named{"perl", C::word},
      Named{"python", C::word},
      Named{"python3", C::word},
      Named{"python2", C::word},
      Named{"ruby", C::word},
      Named{"php", C::word},
      Named{"node", C::word},
      Named{"lua", C::word},
      Named{"rm", C::unusual},
      Named{"mv", C::word},
      Named{"cp", C::word},
      Named{"touch", C::word},
      Named{"find", C::word},
      Named{"locate", C::word},
      Named{"which", C::word},
      Named{"net", C::word},
      Named{"reg", C::word},
      Named{"netsh", C::unusual},
      Named{"arp", C::word},
      Named{"route", C::word},
      Named{"host", C::word},
      Named{"dig", C::word},
      Named{"hostname", C::word},
      Named{"env", C::word},
      Named{"set", C::word},
      Named{"export", C::word},
      Named{"who", C::word},
      Named{"w", C::word},
      Named{"last", C::word},
      Named{"finger", C::word},
      Named{"df", C::word},
      Named{"du", C::word},
      Named{"mount", C::word},
      Named{"kill", C::word},
      Named{"killall", C::unusual},
      Named{"reboot", C::word},
      Named{"shutdown", C::word},
      Named{"init", C::word},
      Named{"del", C::word},
      Named{"copy", C::word},
      Named{"ssh", C::word},
      Named{"scp", C::word},
      Named{"ftp", C::word},
      Named{"tftp", C::unusual},
      Named{"mail", C::word},
      Named{"sendmail", C::word},
      Named{"mysql", C::word},
      Named{"psql", C::word},
      Named{"sqlite3", C::word},
      Named{"gcc", C::word},
      Named{"awk", C::filter},
      Named{"sed", C::filter},
      Named{"grep", C::filter},
      Named{"sort", C::filter},
      Named{"uniq", C::filter},
      Named{"wc", C::filter},
      Named{"cut", C::filter},
      Named{"tr", C::filter},
      Named{"xargs", C::filter},
      Named{"tee", C::filter},
      Named{"sysinfo", C::unusual},
      Named{"ver", C::word},
      Named{"date", C::word},
      Named{"uptime", C::word},
      Named{"vol", C::word},
      Named{"start", C::word},
      Named{"call", C::word},
      Named{"expr", C::word},
      Named{"eval", C::word},
      Named{"exec", C::word},
      Named{"busybox", C::unusual},
      Named{"dd", C::word},
      Named{"getent", C::unusual},
      Named{"groups", C::word},
      Named{"iptables", C::unusual},
      Named{"ip", C::word},
      Named{"nmap", C::unusual},
      Named{"mknod", C::unusual},
      Named{"mkfifo", C::unusual},
  };
  std::ranges::sort(names, {}, &Named::name);
  return names;
}();

constexpr bool is_separator(char c) noexcept { return c == ';' || c == '|' || c == '&'; }
constexpr bool in_command(char c) noexcept {
  return text::is_alnum(c) || c == '_' || c == '.' || c == '-' || c == '/' || c == '\\' ||
         c == '\'' || c == '"' || c == '@' || c == '$' || c == '?' || c == '*' || c == '^';
}

Command command_of(std::string_view name) noexcept {
  const auto at = std::ranges::lower_bound(kCommands, name, {}, &Named::name);
  return at != kCommands.end() && at->name == name ? at->kind : Command::none;
}

/// A command with what follows it up to the next separator.
struct Call {
  Command kind = Command::none;
  bool disguised = false;  ///< quotes, backslashes or empty variables inside of its name
  bool by_path = false;    ///< /bin/…
  std::string_view arguments;
  char after = '\0';  ///< what ended the arguments; NUL: the end of the text

  /// Arguments that only a shell has: options, paths, variables, redirections, URLs.
  bool shell_arguments() const noexcept;
  bool ends_here() const noexcept { return text::trim(arguments).empty(); }
};

bool looks_like_path(std::string_view s) noexcept {
  if (s.starts_with('/') || s.starts_with("./") || s.starts_with("~/") || s.starts_with("../"))
    return s.size() > 1;
  return s.size() > 2 && text::is_alpha(s[0]) && s[1] == ':' && (s[2] == '\\' || s[2] == '/');
}

bool Call::shell_arguments() const noexcept {
  std::string_view rest = text::trim(arguments);
  if (rest.empty()) return false;
  int words = 0;
  bool number_only = true;
  bool shell = false;
  for (std::size_t at = 0; at < rest.size() && words < 12;) {
    while (at < rest.size() && text::is_space(rest[at])) ++at;
    std::size_t end = at;
    while (end < rest.size() && !text::is_space(rest[end])) ++end;
    std::string_view word = rest.substr(at, end - at);
    while (!word.empty() && (word.front() == '"' || word.front() == '\'')) word.remove_prefix(1);
    at = end;
    if (word.empty()) continue;
    ++words;
    const bool option = word.size() > 1 && (word[0] == '-' || (word[0] == '/' && words == 1)) &&
                        text::is_alpha(word[1 + (word[1] == '-' && word.size() > 2 ? 1 : 0)]);
    const bool address = text::is_digit(word[0]) && std::ranges::count(word, '.') == 3;
    // "find this one: https://…" is said to an assistant; what fetches is no everyday word.
    const bool url = kind != Command::word && word.find("://") != std::string_view::npos;
    const bool variable = (word[0] == '$' && word.size() > 1 &&
                           (text::is_alpha(word[1]) || word[1] == '(' || word[1] == '{')) ||
                          (word[0] == '%' && word.size() > 2 && word.back() == '%');
    const bool redirection = word[0] == '>' || word[0] == '<' || word.starts_with("2>");
    if (option || address || url || variable || redirection || looks_like_path(word)) shell = true;
    if (word == "*" || word.find("*.") != std::string_view::npos) shell = true;
    number_only &= std::ranges::all_of(word, [](char c) { return text::is_digit(c) || c == '.'; });
  }
  return shell || (words == 1 && number_only);
}

class ShellScan {
 public:
  ShellScan(std::string_view text, Budget& budget, Signals& out)
      : text_(text), budget_(budget), out_(out) {}

  void run() {
    alone();
    for (std::size_t i = 0; i < text_.size() && !budget_.exhausted(); ++i) {
      const char c = text_[i];
      if (is_separator(c)) {
        const std::size_t start = i;
        while (i + 1 < text_.size() && is_separator(text_[i + 1])) ++i;
        if (chained(start, read(i + 1))) out_.add(Signal::shell_chain);
      } else if (c == '$' && i + 1 < text_.size() && text_[i + 1] == '(') {
        if (substituted(read(i + 2))) out_.add(Signal::shell_substitution);
      } else if (c == '`') {
        const bool joined =
            i > 0 && !text::is_space(text_[i - 1]) && text_[i - 1] != '`' && text_[i - 1] != '(';
        const bool whole = i == 0 && text_.size() > 2 && text_.back() == '`' &&
                           text_.find('`', 1) == text_.size() - 1;
        if ((joined || whole) && substituted(read(i + 1))) out_.add(Signal::shell_substitution);
      }
    }
  }

 private:
  Call read(std::size_t at);
  bool chained(std::size_t separator, const Call& call) const;
  bool substituted(const Call& call) const {
    if (call.kind == Command::none) return false;
    if (call.disguised || call.by_path || call.shell_arguments()) return true;
    return call.kind == Command::unusual || call.ends_here();
  }
  void alone();

  std::string_view text_;
  Budget& budget_;
  Signals& out_;
};

Call ShellScan::read(std::size_t at) {
  Call call;
  while (at < text_.size() && (text::is_space(text_[at]) || text_[at] == '\'' || text_[at] == '"' ||
                               text_[at] == '(' || text_[at] == '{' || text_[at] == '`'))
    ++at;
  char name[24];
  std::size_t size = 0;
  const std::size_t start = at;
  while (at < text_.size() && at < start + 64 && in_command(text_[at])) {
    const char c = text_[at];
    const bool empty_variable =
        c == '$' && at + 1 < text_.size() && (text_[at + 1] == '@' || text_[at + 1] == '*');
    if (empty_variable) {
      call.disguised = true;
      at += 2;
      continue;
    }
    const bool apostrophe =
        (c == '\'' || c == '"') && text_.substr(at + 1, 8).find(c) == std::string_view::npos;
    const bool ends = apostrophe || (c == '$' && text_.substr(at).starts_with("${IFS}"));
    if (ends) break;
    if (c == '/') {
      call.by_path = size == 0 || call.by_path;
      size = 0;
    } else if (c == '\\' || c == '\'' || c == '"' || c == '^') {
      // Inside of a name only: at its end a quote closes what stood before the separator.
      call.disguised |= size > 0 && at + 1 < text_.size() && text::is_alnum(text_[at + 1]);
    } else if (size < sizeof name) {
      name[size++] = text::lower(c);
    } else {
      break;
    }
    ++at;
  }
  while (size > 0 && (name[size - 1] == '.' || name[size - 1] == '-')) --size;
  call.kind = command_of({name, size});
  if (!budget_.spend(at - start + 1) || call.kind == Command::none) return call;
  std::size_t end = at;
  const std::size_t most = std::min(text_.size(), at + kLongestCommand);
  while (end < most && !is_separator(text_[end]) && text_[end] != '\n' && text_[end] != '`' &&
         text_[end] != ')' && text_[end] != '#')
    ++end;
  call.arguments = text_.substr(at, end - at);
  call.after = end < text_.size() ? text_[end] : '\0';
  if (text_.substr(at).starts_with("${IFS}") || text_.substr(at).starts_with("$IFS")) {
    call.disguised = true;
  }
  budget_.spend(end - at);
  return call;
}

bool ShellScan::chained(std::size_t separator, const Call& call) const {
  if (call.kind == Command::none) return false;
  const auto before = text_.substr(0, separator);
  const auto word = text::trim(before);
  // Nothing that could be said before the separator: a value was expected, a command came.
  const bool leads = word.empty() || (word.size() < 24 && word.find(' ') == std::string_view::npos);
  if (call.disguised || (call.by_path && (leads || call.ends_here()))) return true;
  const bool arguments = call.shell_arguments();
  const bool closed = is_separator(call.after) || call.after == '`' || call.after == '#';
  if (leads) {
    if (arguments) return true;
    if (call.ends_here())
      return call.kind != Command::word || word.empty() || closed || !text::is_alnum(word.back()) ||
             !text::is_space(before.back());
    return call.kind == Command::unusual || word.empty();
  }
  if (call.kind == Command::filter) return false;
  if (arguments) return true;
  return call.ends_here() && (call.kind == Command::unusual || closed);
}

/// The text is a command and nothing else.
void ShellScan::alone() {
  if (text_.size() > kLongestCommand) return;
  const Call call = read(0);
  if (call.kind == Command::none) return;
  if (call.disguised || (call.by_path && !call.arguments.empty())) {
    out_.add(Signal::shell_alone);
    return;
  }
  if (call.kind == Command::unusual ? call.ends_here() || call.shell_arguments()
                                    : call.shell_arguments()) {
    out_.add(Signal::shell_alone);
  }
}

}  // namespace

void judge_shell(std::string_view text, Marks marks, Budget& budget, Signals& out) {
  constexpr std::uint32_t kNeeded = Marks::separator | Marks::ampersand | Marks::dollar |
                                    Marks::backtick | Marks::slash | Marks::backslash |
                                    Marks::digit;
  if (!marks.any(kNeeded) && text.size() > 32) return;
  ShellScan(text, budget, out).run();
}

}  // namespace portcullis::detect
