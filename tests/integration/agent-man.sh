#!/usr/bin/env bash
# The man pages say what the programs do: every option of bootmend-agent and no
# other, and an example of a recipe that loads.
. "$(dirname "$0")/../functions.sh"
man=$source_dir/docs/man

run bootmend-agent --help
expect_status 0
given=$(grep -oE '^  --[a-z-]+' <<<"$out" | tr -d ' ' | sort)
described=$(sed -n 's/^\.It Fl Fl \([a-z-]*\).*/--\1/p' "$man/bootmend-agent.1" |
  sort)
[[ $given == "$described" ]] ||
  fail "$(diff <(echo "$given") <(echo "$described"))"

run bootmend-agent --version
expect_status 0
expect_out "bootmend-agent "

sed -n '/^\.Sh EXAMPLES/,$p' "$man/bootmend-recipe.5" |
  sed -n '/^\.Bd/,/^\.Ed/p' | sed '1d;$d' >example.json
run bootmend recipes check ./example.json
expect_status 0
sed -i 's/"of": "bad"/"of": "worse"/' example.json
run bootmend recipes check ./example.json
((status != 0)) || fail "a recipe with an unknown match was called good"
expect_msg 'no match has the id "worse"'
