# Writes C source that holds the rules of diagnoses, so that the program needs
# no data files beside it.
#
#   cmake -DOUT=embedded.c -DDATA=a.json;b.json -P embed.cmake
set (text "/* Made by embed.cmake. */\n#include <diagnoses/rule.h>\n\n")
set (rows "")
set (number 0)
foreach (file IN LISTS DATA)
  get_filename_component (name ${file} NAME_WE)
  file (READ ${file} hex HEX)
  string (REGEX REPLACE "([0-9a-f][0-9a-f])" "0x\\1," bytes "${hex}")
  string (REGEX REPLACE "(................................................................................)"
    "\\1\n" bytes "${bytes}")
  string (APPEND text "static const char data_${number}[] = {\n${bytes}0};\n")
  string (APPEND rows
    "  {\"${name}\", data_${number}, sizeof data_${number} - 1},\n")
  math (EXPR number "${number} + 1")
endforeach ()
string (APPEND text
  "const struct builtin_rules builtin_rules[] = {\n${rows}  {0},\n};\n")
file (WRITE ${OUT} "${text}")
