# Every library is a Debian package; scripts/install-packages.sh lists them.
find_package(Threads REQUIRED)
find_package(OpenSSL 3 REQUIRED)
find_package(Boost 1.81 REQUIRED COMPONENTS url)
find_package(fmt REQUIRED)
find_package(spdlog REQUIRED)
find_package(yaml-cpp REQUIRED)
find_package(CLI11 REQUIRED)
find_package(prometheus-cpp CONFIG REQUIRED)
find_package(ZLIB REQUIRED)
# Content codings beside zlib's: both ways for Brotli, for Zstandard the decoder.
find_library(BROTLI_DECODER libbrotlidec.a REQUIRED)
find_library(BROTLI_ENCODER libbrotlienc.a REQUIRED)
find_library(BROTLI_COMMON libbrotlicommon.a REQUIRED)
find_library(ZSTD libzstd.a REQUIRED)
# Vectorscan: the program scans only; what compiles patterns stays in the build.
find_path(HS_INCLUDE hs/hs.h REQUIRED)
find_library(HS_COMPILER libhs.a REQUIRED)
find_library(HS_RUNTIME libhs_runtime.a REQUIRED)
# Only libinjection's objects of this archive are taken; nothing of ModSecurity is linked.
find_library(LIBINJECTION libmodsecurity.a REQUIRED)

# Read only where an operator has a database of countries.
find_library(MAXMINDDB libmaxminddb.a REQUIRED)

# Only hiredis' reader of replies is used; sockets are ours.
find_library(HIREDIS libhiredis.a REQUIRED)

# Signatures of JWTs. cjose reads headers with jansson; our own JSON is Boost's.
find_library(CJOSE libcjose.a REQUIRED)
find_library(JANSSON libjansson.a REQUIRED)

# Passwords: bcrypt of libxcrypt. Every Debian has the shared library, and its licence is the LGPL.
find_library(CRYPT crypt REQUIRED)

# Accounts in a file.
find_library(SQLITECPP libSQLiteCpp.a REQUIRED)
find_library(SQLITE libsqlite3.a REQUIRED)

# Accounts that several nodes share. The archive wants Kerberos and LDAP; the shared library brings them.
find_path(LIBPQ_INCLUDE libpq-fe.h PATH_SUFFIXES postgresql REQUIRED)
find_library(LIBPQ pq REQUIRED)

# Compile options shared by every target of ours.
add_library(portcullis_options INTERFACE)
target_compile_options(portcullis_options INTERFACE
  -Wall -Wextra -Wpedantic -Wshadow -Wconversion -Wno-sign-conversion -Wnon-virtual-dtor
  -Woverloaded-virtual -Wimplicit-fallthrough -Werror)
if(NOT CMAKE_BUILD_TYPE STREQUAL "Release")
  target_compile_options(portcullis_options INTERFACE -fno-omit-frame-pointer)
endif()
target_compile_definitions(portcullis_options INTERFACE
  BOOST_ASIO_SEPARATE_COMPILATION BOOST_ASIO_NO_DEPRECATED BOOST_ASIO_DISABLE_BOOST_COROUTINE
  BOOST_BEAST_SEPARATE_COMPILATION BOOST_ALLOW_DEPRECATED_HEADERS
  SPDLOG_FMT_EXTERNAL)
target_include_directories(portcullis_options INTERFACE ${CMAKE_SOURCE_DIR}/src)
if(PORTCULLIS_SANITIZE)
  target_compile_options(portcullis_options INTERFACE -fsanitize=${PORTCULLIS_SANITIZE}
                         -fno-sanitize-recover=all)
  target_link_options(portcullis_options INTERFACE -fsanitize=${PORTCULLIS_SANITIZE})
endif()
target_link_options(portcullis_options INTERFACE -fuse-ld=lld-19)

# Asio, Beast and JSON compiled once, with our options, warnings of theirs left out.
add_library(portcullis_boost STATIC cmake/boost_asio.cpp cmake/boost_beast.cpp cmake/boost_json.cpp)
target_link_libraries(portcullis_boost PUBLIC portcullis_options Boost::headers OpenSSL::SSL OpenSSL::Crypto
                                              Threads::Threads)
target_compile_options(portcullis_boost PRIVATE -w)
