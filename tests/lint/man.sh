#!/usr/bin/env bash
# The man pages are clean for mandoc.
. "$(dirname "$0")/../functions.sh"
requires mandoc
shopt -s nullglob
pages=("$source_dir"/docs/man/*.[1-8])
((${#pages[@]} > 0)) || skip "no man pages yet"
mandoc -T lint -W style "${pages[@]}" || fail "see above"
echo "${#pages[@]} pages"
