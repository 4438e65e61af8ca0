# Makes the table of user agents (src/guards/bot/agents.txt) part of the guards module.
set(agents_file "${CMAKE_SOURCE_DIR}/src/guards/bot/agents.txt")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${agents_file}")
file(READ "${agents_file}" agents)
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/agents.cpp" CONTENT
"#include \"guards/bot/agent_table.hpp\"

namespace portcullis::guards {

std::string_view AgentTable::builtin() noexcept { return R\"agents(@agents@)agents\"; }

}  // namespace portcullis::guards
" @ONLY)
target_sources(portcullis_guards PRIVATE "${CMAKE_BINARY_DIR}/generated/agents.cpp")
