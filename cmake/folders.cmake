# One target for each folder of the source tree.
#
#   bootmend_folder (controller
#     SOURCES engine.c journal.c
#     USES    providers net base
#     LIBS    PkgConfig::SQLITE)
#
# A folder's headers are written <controller/engine.h> and are found only by a
# target that names `controller` under USES (or uses something that does): the
# include path of a target is a folder of the build tree which holds nothing
# but one link to the sources.  So a breach of the layering does not compile.
# USES is public, LIBS (the outside libraries) is private, and so is PRIVATE_USES:
# what a folder uses without lending it to those who use the folder.
# FOLDER names the folder where a target is only a part of it.

add_library (common-options INTERFACE)
target_compile_definitions (common-options INTERFACE _GNU_SOURCE
  $<$<BOOL:${BOOTMEND_FAULTS}>:BOOTMEND_FAULTS>
  BOOTMEND_VERSION="${PROJECT_VERSION}"
  BOOTMEND_DATADIR="${CMAKE_INSTALL_FULL_DATADIR}/bootmend"
  BOOTMEND_BINDIR="${CMAKE_INSTALL_FULL_BINDIR}"
  BOOTMEND_LIBEXECDIR="${CMAKE_INSTALL_FULL_LIBEXECDIR}/bootmend")
target_compile_options (common-options INTERFACE
  -Wall -Wextra -Wshadow -Wstrict-prototypes -Wmissing-prototypes
  -Wold-style-definition -Wpointer-arith -Wwrite-strings -Wformat=2
  -Wformat-nonliteral -Wvla -Wundef -Wno-missing-field-initializers
  -fstack-protector-strong -fno-common
  $<$<BOOL:${BOOTMEND_WERROR}>:-Werror>)
# Fortify needs optimisation, which sanitized and debug builds do without.
if (CMAKE_BUILD_TYPE MATCHES "Rel" AND NOT BOOTMEND_SANITIZE)
  target_compile_definitions (common-options INTERFACE _FORTIFY_SOURCE=2)
endif ()
if (BOOTMEND_SANITIZE)
  # -O1: without it what is tested under sanitizers takes two to three times as
  # long.  Instrumented code looks uninitialized to gcc's flow analysis where it
  # is not; the release build warns.
  set (sanitize -fsanitize=address,undefined -fno-omit-frame-pointer
       -fno-sanitize-recover=all -O1 -Wno-maybe-uninitialized)
  target_compile_options (common-options INTERFACE ${sanitize})
  target_link_options (common-options INTERFACE ${sanitize})
endif ()
if (BOOTMEND_FUZZ)
  target_compile_options (common-options INTERFACE -fsanitize=fuzzer-no-link)
endif ()

function (bootmend_folder name)
  cmake_parse_arguments (arg "" "FOLDER" "SOURCES;USES;PRIVATE_USES;LIBS" ${ARGN})
  if (NOT arg_FOLDER)
    set (arg_FOLDER ${name})
  endif ()
  set (view ${CMAKE_BINARY_DIR}/headers/${name})
  file (MAKE_DIRECTORY ${view})
  file (CREATE_LINK ${CMAKE_CURRENT_SOURCE_DIR} ${view}/${arg_FOLDER} SYMBOLIC)
  add_library (${name} STATIC ${arg_SOURCES})
  target_include_directories (${name} PUBLIC ${view})
  target_link_libraries (${name}
    PUBLIC ${arg_USES}
    PRIVATE common-options ${arg_PRIVATE_USES} ${arg_LIBS})
endfunction ()

function (bootmend_program name)
  cmake_parse_arguments (arg "" "" "SOURCES;USES;LIBS" ${ARGN})
  add_executable (${name} ${arg_SOURCES})
  target_link_libraries (${name} PRIVATE common-options ${arg_USES} ${arg_LIBS})
  set_target_properties (${name} PROPERTIES
    RUNTIME_OUTPUT_DIRECTORY ${CMAKE_BINARY_DIR}/bin)
endfunction ()
