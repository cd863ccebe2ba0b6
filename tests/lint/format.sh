#!/usr/bin/env bash
# The code looks as .clang-format says; no file ends its lines with blanks.
. "$(dirname "$0")/../functions.sh"
requires clang-format git
cd "$source_dir"
git ls-files --cached --others --exclude-standard -z '*.c' '*.h' |
  xargs -0 clang-format --dry-run -Werror || fail "run clang-format -i on these"
if git grep --untracked -nIE '[[:blank:]]+$' -- ':!*.golden' ':!tests/data' \
  ':!tests/fuzz/corpus'; then
  fail "blanks at the end of a line"
fi
