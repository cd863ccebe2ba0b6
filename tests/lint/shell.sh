#!/usr/bin/env bash
# Every shell script passes shellcheck, and can be run.
. "$(dirname "$0")/../functions.sh"
requires shellcheck git
cd "$source_dir"
scripts=()
while IFS= read -r file; do
  read -r first <"$file" || true
  case $first in
    '#!'*bash* | '#!/bin/sh'*)
      [[ -x $file ]] || fail "$file: not executable"
      scripts+=("$file")
      ;;
    '# shellcheck shell='*) scripts+=("$file") ;;
  esac
done < <(git grep --untracked -lIE '^(#!.*sh|# shellcheck shell=)')
((${#scripts[@]} > 0)) || fail "no scripts found"
printf '%s\0' "${scripts[@]}" |
  xargs -0 -n 8 -P "$(nproc)" shellcheck || fail "see above"
echo "${#scripts[@]} scripts"
