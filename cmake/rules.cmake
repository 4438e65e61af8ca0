# Compiles the rules and embeds, of each kind, the table and the serialised database.
add_library(rule_source STATIC ${CMAKE_SOURCE_DIR}/rules/rule_source.cpp)
target_link_libraries(rule_source PUBLIC portcullis_options portcullis_base yaml-cpp ${HS_COMPILER})
add_library(portcullis_rules STATIC)
target_link_libraries(portcullis_rules PUBLIC portcullis_options)

# portcullis_embed_rules(COMPILER FOLDER SYMBOL): the rules of a folder, by rules/COMPILER.cpp.
function(portcullis_embed_rules compiler source folder symbol)
  add_executable(${compiler} ${CMAKE_SOURCE_DIR}/rules/${source})
  target_link_libraries(${compiler} PRIVATE rule_source)
  file(GLOB rule_files CONFIGURE_DEPENDS "${folder}/*.yaml" "${folder}/*.txt")
  set(table "${CMAKE_BINARY_DIR}/generated/${symbol}.cpp")
  set(database "${CMAKE_BINARY_DIR}/generated/${symbol}.hsdb")
  set(assembly "${CMAKE_BINARY_DIR}/generated/${symbol}.S")
  add_custom_command(
    OUTPUT "${table}" "${database}"
    COMMAND ${compiler} "${folder}" "${table}" "${database}"
    DEPENDS ${compiler} ${rule_files}
    COMMENT "Compiling ${folder}")
  file(CONFIGURE OUTPUT "${assembly}" CONTENT
"    .section .rodata
    .global portcullis_@symbol@_database, portcullis_@symbol@_database_end
    .balign 64
portcullis_@symbol@_database:
    .incbin \"@database@\"
portcullis_@symbol@_database_end:
    .byte 0
    .section .note.GNU-stack,\"\",@progbits
" @ONLY)
  set_source_files_properties("${assembly}" PROPERTIES OBJECT_DEPENDS "${database}")
  target_sources(portcullis_rules PRIVATE "${assembly}" "${table}")
endfunction()

portcullis_embed_rules(compile_rules compile.cpp ${CMAKE_SOURCE_DIR}/rules rule)
portcullis_embed_rules(compile_leaks compile_leaks.cpp ${CMAKE_SOURCE_DIR}/rules/leaks leak)
