# Embeds the files of the web build (web/build.mjs writes them and manifest.json) into a library.
set(manifest_file "${PORTCULLIS_WEB_DIR}/manifest.json")
if(NOT EXISTS "${manifest_file}")
  message(FATAL_ERROR "${manifest_file} is missing: run `make web` first")
endif()
set_property(DIRECTORY APPEND PROPERTY CMAKE_CONFIGURE_DEPENDS "${manifest_file}")
file(READ "${manifest_file}" manifest)
string(JSON count LENGTH "${manifest}")
math(EXPR last "${count} - 1")
set(assembly "    .section .rodata\n")
set(declarations "")
set(rows "")
set(files "")
foreach(i RANGE ${last})
  string(JSON path GET "${manifest}" ${i} path)
  string(JSON file GET "${manifest}" ${i} file)
  string(JSON type GET "${manifest}" ${i} type)
  string(JSON immutable GET "${manifest}" ${i} immutable)
  string(JSON is_template GET "${manifest}" ${i} template)
  foreach(flag immutable is_template)
    if(${flag})
      set(${flag} true)
    else()
      set(${flag} false)
    endif()
  endforeach()
  # The file, and what it is packed by brotli and gzip, where the web build has made that.
  string(JSON brotli GET "${manifest}" ${i} brotli)
  string(JSON gzip GET "${manifest}" ${i} gzip)
  set(contents "")
  foreach(form file brotli gzip)
    if("${${form}}" STREQUAL "")
      string(APPEND contents "{}, ")
      continue()
    endif()
    set(symbol "portcullis_asset_${i}_${form}")
    string(APPEND assembly
           "    .global ${symbol}, ${symbol}_end\n"
           "${symbol}:\n    .incbin \"${PORTCULLIS_WEB_DIR}/${${form}}\"\n${symbol}_end:\n    .byte 0\n")
    string(APPEND declarations "extern \"C\" const char ${symbol}[];\nextern \"C\" const char ${symbol}_end[];\n")
    string(APPEND contents "{${symbol}, static_cast<std::size_t>(${symbol}_end - ${symbol})}, ")
    list(APPEND files "${PORTCULLIS_WEB_DIR}/${${form}}")
  endforeach()
  string(APPEND rows "      {\"${path}\", \"${type}\", ${contents}${immutable}, ${is_template}},\n")
endforeach()
set(assembly_file "${CMAKE_BINARY_DIR}/generated/assets.S")
set(table_file "${CMAKE_BINARY_DIR}/generated/assets.cpp")
file(CONFIGURE OUTPUT "${assembly_file}" CONTENT "${assembly}    .section .note.GNU-stack,\"\",@progbits\n" @ONLY)
file(CONFIGURE OUTPUT "${table_file}" CONTENT
"#include \"routes/widget/assets.hpp\"

${declarations}
namespace portcullis::routes {

std::span<const Asset> embedded_assets() {
  static const Asset kAssets[] = {
${rows}  };
  return kAssets;
}

}  // namespace portcullis::routes
" @ONLY)
set_source_files_properties("${assembly_file}" PROPERTIES OBJECT_DEPENDS "${files}")
add_library(portcullis_assets STATIC "${assembly_file}" "${table_file}")
target_link_libraries(portcullis_assets PUBLIC portcullis_options)
