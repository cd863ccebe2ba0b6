#!/usr/bin/env bash
# bootmend(1) and the program tell of the same commands and options.
. "$(dirname "$0")/../functions.sh"
page=$build_dir/docs/man/bootmend.1

bootmend help | sed -n 's/^  \([a-z][a-z-]*\( [a-z]\+\)\?\)  .*/\1/p' |
  sort >commands
(($(wc -l <commands) >= 15)) || fail "only these commands: $(cat commands)"
sed -n '/^\.Sh COMMANDS/,/^\.Sh OPTIONS/s/^\.It Cm \([a-z-]*\( [a-z]\+\)\?\)\( .*\)\?$/\1/p' \
  "$page" | sort -u >commands.man
diff commands commands.man || fail "commands: < program, > man page"

{
  bootmend --complete-words 1 bootmend -
  while read -r command; do
    # shellcheck disable=SC2086 # words
    set -- $command
    bootmend --complete-words $(($# + 1)) bootmend "$@" -
  done <commands
} | sort -u >options
(($(wc -l <options) >= 30)) || fail "only these options: $(cat options)"
# "Fl Fl name" and "Fl -name" are the same; a line may name a letter first.
sed -n 's/^\.It \(Fl [a-zA-Z] , \)\?Fl \(Fl \|-\)\([a-z-]*\).*/--\3/p' "$page" |
  sort -u >options.man
diff options options.man || fail "options: < program, > man page"

# The defaults that help tells are those of the page.
while read -r option value; do
  grep -A 12 -E "^\.It (Fl [a-z] , )?Fl Fl ${option#--} " "$page" |
    grep -q -F "($value)" || fail "$option: default $value is not in the page"
done < <(bootmend repair --help | tr -s ' \n' ' ' |
  grep -oE -- '--[a-z-]+ (TIME|N) [^-]*\(default: [^)]*\)' |
  sed -E 's/^(--[a-z-]+) .*\(default: ([^)]*)\)$/\1 \2/')

# Every code that a disk can be refused with.
codes=$(sed -n 's/^    {"\([a-z0-9-]*\)", ".*", \(true\|false\)},$/\1/p' \
  "$source_dir/protocol/protocol.c")
(($(wc -w <<<"$codes") >= 20)) || fail "only these codes: $codes"
for code in $codes; do
  grep -qxF ".It Sy $code" "$page" || fail "refusal $code is not in the page"
done
