#!/usr/bin/env bash
# Words that make no sense: one line on stderr that says so, nothing on stdout,
# exit status 2; what does not exist: 1. Never the whole help.
. "$(dirname "$0")/../functions.sh"

expect_line() { # STATUS TEXT COMMAND...
  local expected=$1 text=$2
  shift 2
  run "$@"
  expect_status "$expected"
  expect_no_out
  expect_msg "$text"
  [[ $(wc -l <<<"$msg") == 1 ]] || fail "more than one line"
  [[ $msg == bootmend:* ]] || fail "does not start with the program's name"
}

expect_line 2 'COMMAND is missing (see bootmend --help)' bootmend
expect_line 2 'did you mean repair?' bootmend repiar
expect_line 2 "'frobnicate': no such command" bootmend frobnicate
expect_line 2 'needs one of: list, show, check, test, sign, verify, trust, schema' bootmend recipes
expect_line 2 'did you mean recipes list?' bootmend recipes lits
expect_line 2 'repair: --max-in-flight: '"'x' is no number" \
  bootmend repair libvirt:x --max-in-flight x
expect_line 2 'did you mean --recipe?' bootmend repair libvirt:x --recpie=y
expect_line 2 'this command has no such option' bootmend list --recipe x
expect_line 2 'RECIPE is missing' bootmend repair x --recipe
expect_line 2 '--recipe is missing' bootmend repair libvirt:x
expect_line 2 'SELECTOR or --plan is missing' bootmend repair
expect_line 2 'SELECTOR... is missing' bootmend plan
expect_line 2 'is one word too many' bootmend status a b
expect_line 2 'an empty word' bootmend status ''
expect_line 2 "'nowhere' is no provider; there are: aws, azure, gcp, libvirt" \
  bootmend plan nowhere:x -r crowdstrike-291
expect_line 2 "starts with the provider's name" \
  bootmend plan web-1 -r crowdstrike-291
expect_line 2 'has its own selection' bootmend repair libvirt:x --plan p.json
for option in '--param=a=b' --keys=x.csv --helper=i-1=local --libvirt-uri=x --wave=5; do
  expect_line 2 "and ${option%%=*} was given beside it" \
    bootmend repair --ca-file x --plan p.json "$option"
done
expect_line 2 'goes with neither' bootmend fix-disk --undo --dry-run x
expect_line 2 '--color' bootmend --color=blue version
expect_line 1 'no recipe "nope"' bootmend plan libvirt:x -r nope
expect_line 1 './none.json: No such file' bootmend plan libvirt:x -r ./none.json
expect_line 1 'has no parameter "a"' \
  bootmend plan libvirt:x -r crowdstrike-291 -p a=b
expect_line 1 'no campaigns in' bootmend status
expect_line 1 "no campaign 'x'" bootmend resume x
expect_line 1 'No such file' bootmend repair --plan none.json
echo '{"bootmend": 1, "kind": "report"}' >report.json
expect_line 1 'no plan made by bootmend plan' bootmend repair --plan report.json
echo 'no JSON' >broken.json
expect_line 1 'no valid JSON' bootmend repair --plan broken.json
expect_line 1 'no valid JSON' bootmend plan libvirt:x -r ./broken.json

# A control character of an argument does not reach the terminal.
expect_line 2 'a\x1b[2Jb' bootmend $'a\e[2Jb'

# Help is no error, and goes to stdout.
for words in help --help -h 'help repair' 'repair --help' 'recipes --help' \
  'help recipes' '-h recipes show' '--version' 'version'; do
  # shellcheck disable=SC2086 # words
  run bootmend $words
  expect_status 0
  expect_no_msg
  [[ -n $out ]] || fail "$words: says nothing"
done

# Every command that help lists has help of its own, which fits.
bootmend help | sed -n 's/^  \([a-z][a-z-]*\( [a-z]\+\)\?\)  .*/\1/p' >commands
(($(wc -l <commands) >= 15)) || fail "only these commands: $(cat commands)"
while read -r command; do
  for columns in 30 40 80 200; do
    # shellcheck disable=SC2086 # words
    COLUMNS=$columns run bootmend $command --help
    expect_status 0
    expect_out "Usage: bootmend"
    expect_out '--help'
    widest=$(wc -L <<<"$out")
    ((widest <= (columns > 80 ? 80 : columns))) ||
      fail "help of $command is $widest columns wide on $columns"
  done
done <commands

# JSON objects carry their version.
for words in 'version' 'recipes list' 'recipes check crowdstrike-291' list; do
  # shellcheck disable=SC2086 # words
  run bootmend $words --json
  expect_status 0
  [[ $(json .bootmend) == 1 ]] || fail "$words: no version"
  [[ $(json .kind) == [a-z]* ]] || fail "$words: no kind"
done

run bootmend recipes check crowdstrike-291 ./broken.json
expect_status 3
expect_out 'crowdstrike-291: good'
expect_msg 'no valid JSON'
run bootmend recipes schema
# shellcheck disable=SC2016 # that is its name
[[ $(json '."$schema"') == http* ]] || fail "no schema"
run bootmend recipes show crowdstrike-291 --json
cp .out copy.json
run bootmend recipes check ./copy.json
expect_status 0
