#!/usr/bin/env bash
# The man pages are clean for mandoc, and refer to pages of ours that exist.
. "$(dirname "$0")/../functions.sh"
requires mandoc makewhatis
shopt -s nullglob
pages=("$source_dir"/docs/man/*.[1-8] "$build_dir"/docs/man/*.[1-8])
((${#pages[@]} > 0)) || fail "no man pages"
for page in "${pages[@]}"; do
  mkdir -p "man/man${page##*.}"
  cp "$page" "man/man${page##*.}"
done
makewhatis "$work/man"
# Pages of other packages need not be installed here.
MANPATH=$work/man mandoc -T lint -W style man/man?/* 2>&1 |
  grep -v -e 'outdated mandoc.db' \
    -e 'referenced manual not found: Xr [^b]' >found || true
if [[ -s found ]]; then
  cat found
  fail "see above"
fi
echo "${#pages[@]} pages"
