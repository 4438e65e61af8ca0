#pragma once
#include <cstdint>
#include <string>
#include <vector>

#include "commands/command.hpp"

namespace portcullis::commands {

/// `portcullis key …`: API keys of programs.

struct KeyAdd {
  std::string config;
  std::string owner;  ///< the name of a user
  std::string name;   ///< what the key is for
  std::vector<std::string> scopes;
  std::string site;                       ///< which alone it opens, or "*"
  std::string expires;                    ///< as moment_in() reads it; empty: never
  std::uint32_t requests_per_minute = 0;  ///< 0: as everybody
};
/// Prints the key once, alone.
int key_add(const KeyAdd& wanted, const Streams& streams);

struct KeyList {
  std::string config;
  std::string owner;  ///< empty: of all
  bool json = false;  ///< an object a line
};
/// By age.
int key_list(const KeyList& wanted, const Streams& streams);

struct KeyRevoke {
  std::string config;
  std::string key;  ///< its id or prefix, the latter also with "pck_" before it
};
int key_revoke(const KeyRevoke& wanted, const Streams& streams);

}  // namespace portcullis::commands
