#!/usr/bin/env bash
# Functions of at most 60 lines, files of at most 500; sizes.allow has the
# exceptions with their reasons.
. "$(dirname "$0")/../functions.sh"
requires ctags git
cd "$source_dir"
allow=tests/lint/sizes.allow

git ls-files --cached --others --exclude-standard '*.c' '*.h' >"$work/files"
{
  xargs -d '\n' wc -l <"$work/files" |
    awk '$2 != "total" && $1 > 500 { print $2, $1 }'
  ctags -f - --languages=C --langmap=C:.c.h --kinds-C=f --fields=+ne \
    --excmd=number -L "$work/files" | awk -F '\t' '
    { line = end = 0
      for (i = 4; i <= NF; i++) {
        if ($i ~ /^line:/) line = substr ($i, 6)
        if ($i ~ /^end:/) end = substr ($i, 5)
      }
      functions++
      if (end - line + 1 > 60) print $2 ":" $1, end - line + 1 }
    END { print "functions", functions + 0 }'
} >"$work/long"
functions=$(sed -n 's/^functions //p' "$work/long")
((functions > 0)) || fail "ctags found no functions"

bad=0
while read -r what lines; do
  if [[ $what == functions ]]; then continue; fi
  reason=$(awk -v what="$what" '$1 == what { $1 = ""; print }' "$allow")
  if [[ -z $reason ]]; then
    echo "$what: $lines lines: make it shorter, or say why not in $allow"
    bad=1
  fi
done <"$work/long"
while read -r what reason; do
  if [[ -z $what || $what == '#'* ]]; then continue; fi
  [[ -n $reason ]] || { echo "$allow: $what: no reason given" && bad=1; }
  grep -q "^$what " "$work/long" ||
    { echo "$allow: $what: not needed any more" && bad=1; }
done <"$allow"
((bad == 0)) || fail "see above"
echo "$(wc -l <"$work/files") files, $functions functions"
