# Makes the scripts that run on Redis (src/state/redis/scripts/*.lua) part of the state module.
file(GLOB lua_files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/src/state/redis/scripts/*.lua")
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${lua_files}")
set(lua_rows "")
foreach(lua_file IN LISTS lua_files)
  get_filename_component(lua_name "${lua_file}" NAME_WE)
  file(READ "${lua_file}" lua_text)
  string(APPEND lua_rows "  if (name == \"${lua_name}\") return R\"lua(${lua_text})lua\";\n")
endforeach()
file(CONFIGURE OUTPUT "${CMAKE_BINARY_DIR}/generated/redis_scripts.cpp" CONTENT
"#include \"state/redis/scripts.hpp\"

namespace portcullis::state {

std::string_view scripts::source(std::string_view name) noexcept {
@lua_rows@  return {};
}

}  // namespace portcullis::state
" @ONLY)
target_sources(portcullis_state PRIVATE "${CMAKE_BINARY_DIR}/generated/redis_scripts.cpp")
