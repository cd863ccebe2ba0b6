# Writes C source that holds the built-in recipes and the JSON Schema, so that
# the programs need no data files beside them.
#
#   cmake -DOUT=embedded.c -DSCHEMA=schema.json -DDATA=a.json;b.json -P embed.cmake

# The bytes of a file as a C array that ends with 0.
function (bytes_of file result)
  file (READ ${file} hex HEX)
  string (REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string (REGEX REPLACE "(................................................................................)"
    "\\1\n" bytes "${bytes}")
  set (${result} "${bytes}0" PARENT_SCOPE)
endfunction ()

set (text "/* Made by embed.cmake. */\n#include <recipes/builtin.h>\n#include <recipes/recipe.h>\n\n")
set (rows "")
set (names "")
set (number 0)
foreach (file IN LISTS DATA)
  get_filename_component (name ${file} NAME_WE)
  bytes_of (${file} bytes)
  string (APPEND text "static const char data_${number}[] = {\n${bytes}};\n")
  string (APPEND rows
    "  {\"${name}\", data_${number}, sizeof data_${number} - 1},\n")
  string (APPEND names "  \"${name}\",\n")
  math (EXPR number "${number} + 1")
endforeach ()
bytes_of (${SCHEMA} bytes)
string (APPEND text
  "const char recipe_schema[] = {\n${bytes}};\n"
  "const struct builtin_recipe builtin_recipes[] = {\n${rows}  {0},\n};\n"
  "const char *const recipe_builtin_names[] = {\n${names}  0,\n};\n")
file (WRITE ${OUT} "${text}")
