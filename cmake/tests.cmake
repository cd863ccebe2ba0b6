# Tests that are scripts.
#
#   bootmend_script_test (integration cli-usage.sh)
#   bootmend_script_test (fault kill-agent.sh TIMEOUT 900 COST 100)
#
# The first word is the CTest label (integration, fault, simulation, fuzz, lint), and the
# test's name is LABEL-SCRIPT without ".sh". A script starts with
#   . "$(dirname "$0")/../functions.sh"
# which says what it gets. Exit status 77 means skipped, with the reason as the
# last line. ARGS are handed over. Those that COST most begin first, so that none
# is waited for at the end (about seconds; 1 if not given); LONG ones are skipped unless BOOTMEND_TEST_LONG is set
# (scripts/check --long).
function (bootmend_script_test label script)
  cmake_parse_arguments (arg "LONG" "TIMEOUT;NAME;COST" "ARGS" ${ARGN})
  if (NOT arg_TIMEOUT)
    set (arg_TIMEOUT 300)
  endif ()
  if (NOT arg_NAME)
    get_filename_component (arg_NAME ${script} NAME_WE)
    set (arg_NAME ${label}-${arg_NAME})
  endif ()
  add_test (NAME ${arg_NAME}
    COMMAND ${CMAKE_CURRENT_SOURCE_DIR}/${script} ${arg_ARGS})
  set_tests_properties (${arg_NAME} PROPERTIES
    LABELS ${label} TIMEOUT ${arg_TIMEOUT} SKIP_RETURN_CODE 77
    ENVIRONMENT "BOOTMEND_BUILD=${CMAKE_BINARY_DIR};BOOTMEND_SOURCE=${CMAKE_SOURCE_DIR};BOOTMEND_TEST_IS_LONG=${arg_LONG}")
  if (arg_COST)
    set_tests_properties (${arg_NAME} PROPERTIES COST ${arg_COST})
  endif ()
endfunction ()
