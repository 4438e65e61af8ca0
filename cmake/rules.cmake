# Compiles rules/ (rules/compile.cpp) and embeds the table and the serialised database.
add_executable(compile_rules ${CMAKE_SOURCE_DIR}/rules/compile.cpp)
target_link_libraries(compile_rules PRIVATE portcullis_options portcullis_base yaml-cpp ${HS_COMPILER})
file(GLOB rule_files CONFIGURE_DEPENDS "${CMAKE_SOURCE_DIR}/rules/*.yaml" "${CMAKE_SOURCE_DIR}/rules/*.txt")
set(rule_table "${CMAKE_BINARY_DIR}/generated/rules.cpp")
set(rule_database "${CMAKE_BINARY_DIR}/generated/rules.hsdb")
set(rule_assembly "${CMAKE_BINARY_DIR}/generated/rules.S")
add_custom_command(
  OUTPUT "${rule_table}" "${rule_database}"
  COMMAND compile_rules "${CMAKE_SOURCE_DIR}/rules" "${rule_table}" "${rule_database}"
  DEPENDS compile_rules ${rule_files}
  COMMENT "Compiling the rules")
file(CONFIGURE OUTPUT "${rule_assembly}" CONTENT
"    .section .rodata
    .global portcullis_rule_database, portcullis_rule_database_end
    .balign 64
portcullis_rule_database:
    .incbin \"${rule_database}\"
portcullis_rule_database_end:
    .byte 0
    .section .note.GNU-stack,\"\",@progbits
" @ONLY)
set_source_files_properties("${rule_assembly}" PROPERTIES OBJECT_DEPENDS "${rule_database}")
add_library(portcullis_rules STATIC "${rule_assembly}" "${rule_table}")
target_link_libraries(portcullis_rules PUBLIC portcullis_options)
