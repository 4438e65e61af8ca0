# Profile-guided optimisation. The release presets compile by the profile that bench/profile/ keeps; `make profile`
# makes it anew, with a build that counts (PORTCULLIS_COUNT). Code that changed since is compiled as without one.
option(PORTCULLIS_COUNT "Build for recording a profile" OFF)
set(PORTCULLIS_PROFILE "" CACHE FILEPATH "A profile to compile by; empty for none")

if(PORTCULLIS_COUNT)
  set(profile_flags -fprofile-generate=${CMAKE_BINARY_DIR}/counts)
elseif(PORTCULLIS_PROFILE)
  # Named by its content, so that every object is compiled anew when the profile changes.
  set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS ${PORTCULLIS_PROFILE})
  file(MD5 ${PORTCULLIS_PROFILE} profile_name)
  set(profile_copy ${CMAKE_BINARY_DIR}/${profile_name}.profdata)
  configure_file(${PORTCULLIS_PROFILE} ${profile_copy} COPYONLY)
  set(profile_flags -fprofile-use=${profile_copy} -Wno-profile-instr-unprofiled -Wno-profile-instr-out-of-date
                    -Wno-backend-plugin)
endif()
if(profile_flags)
  target_compile_options(portcullis_options INTERFACE ${profile_flags})
  target_link_options(portcullis_options INTERFACE ${profile_flags})
endif()
