#!/usr/bin/env bash
# The man pages are clean for mandoc.
. "$(dirname "$0")/../functions.sh"
requires mandoc
shopt -s nullglob
pages=("$source_dir"/docs/man/*.[1-8])
((${#pages[@]} > 0)) || skip "no man pages yet"
# Our own pages are not where mandoc looks for those that are referred to.
found=$(mandoc -T lint -W style "${pages[@]}" 2>&1 |
  grep -v -e 'referenced manual not found' -e 'outdated mandoc.db') || true
[[ -z $found ]] || {
  echo "$found"
  fail "see above"
}
echo "${#pages[@]} pages"
