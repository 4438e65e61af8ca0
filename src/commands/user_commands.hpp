#pragma once
#include <string>
#include <vector>

#include "commands/command.hpp"

namespace portcullis::commands {

/// `portcullis user …`: who may log in, and what they may do. `config`: the file of the settings.
///
/// Output: one line that says what was done, or what a command is for. No password is printed.

/// Where a new password comes from.
enum class PasswordSource : std::uint8_t {
  terminal,        ///< asked twice; without a terminal bad usage
  standard_input,  ///< its first line
  none,            ///< no password opens the account
};

struct UserAdd {
  std::string config;
  std::string name;
  std::vector<std::string> roles;  ///< as grant_in() reads them
  std::string site;                ///< of roles that name none
  PasswordSource password = PasswordSource::terminal;
};
int user_add(const UserAdd& wanted, const Streams& streams);

struct UserList {
  std::string config;
  bool json = false;  ///< an object a line
};
/// By name.
int user_list(const UserList& wanted, const Streams& streams);

struct UserNamed {
  std::string config;
  std::string name;
};
/// With it all sessions end, and the user's keys and tokens open nothing any more.
int user_disable(const UserNamed& wanted, const Streams& streams);
/// Keys work again; sessions that have ended stay so.
int user_enable(const UserNamed& wanted, const Streams& streams);
/// With keys and sessions.
int user_remove(const UserNamed& wanted, const Streams& streams);

struct UserPassword {
  std::string config;
  std::string name;
  PasswordSource password = PasswordSource::terminal;
};
/// Ends all sessions of the user.
int user_passwd(const UserPassword& wanted, const Streams& streams);

struct UserGrant {
  std::string config;
  std::string name;
  std::vector<std::string> roles;
  std::string site;
};
/// These roles instead of those there were. Ends all sessions: tokens say what was before.
int user_grant(const UserGrant& wanted, const Streams& streams);

struct UserTotp {
  std::string config;
  std::string name;
  std::string code;  ///< confirms what an earlier call began; empty: begin anew and ask for one
  bool remove = false;
};
/// Begins a second factor: prints its secret, asks for a code of it, and prints recovery codes, all
/// this once. Until a code has been right the second factor does not count.
int user_totp(const UserTotp& wanted, const Streams& streams);

}  // namespace portcullis::commands
