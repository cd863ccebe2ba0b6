#!/usr/bin/env bash
# Where output can't go: said and in the exit status. Where nobody listens any
# more: silence. Colours only where they are wanted.
. "$(dirname "$0")/../functions.sh"
requires script

status_of() { # COMMAND...: its exit status, stderr in .msg
  local code=0
  "$@" 2>.msg || code=$?
  echo "$code"
}

# A full disk.
[[ $(status_of bash -c 'bootmend help >/dev/full') == 1 ]] || fail "full: status"
grep -q 'stdout: No space left on device' .msg || fail "full: $(cat .msg)"

# Nobody opened stdout: nothing is written elsewhere instead.
[[ $(status_of bash -c 'bootmend help >&-') == 1 ]] || fail "closed: status"
grep -q 'stdout: Bad file descriptor' .msg || fail "closed: $(cat .msg)"
[[ $(status_of bash -c 'bootmend help <&- >out') == 0 ]] || fail "no stdin"
[[ -s out ]] || fail "no stdin: no help"
bash -c 'bootmend nonsense 2>&-' && fail "no stderr: succeeded"

# A reader who has seen enough.
bash -c 'set -o pipefail; bootmend recipes schema | head -c 10' >out 2>.msg ||
  fail "a pipe: status $?"
[[ ! -s .msg ]] || fail "a pipe: $(cat .msg)"

# On a terminal there are colours, unless somebody does not want them.
in_terminal() { # COLUMNS COMMAND
  TERM=xterm script -qec "stty cols $1; $2" /dev/null </dev/null | tr -d '\r'
}
in_terminal 80 'bootmend recipes list' >out
grep -q $'\e\\[' out || fail "no colours on a terminal"
for how in 'NO_COLOR=1 bootmend recipes list' \
  'bootmend --color=never recipes list' 'TERM=dumb bootmend recipes list'; do
  in_terminal 80 "$how" >out
  grep -q $'\e\\[' out && fail "$how: colours"
  grep -q crowdstrike-291 out || fail "$how: no list"
done
NO_COLOR=1 bootmend --color=always recipes list | grep -q $'\e\\[' ||
  fail "--color=always: no colours"
bootmend recipes list | grep -q $'\e\\[' && fail "colours in a pipe"

# Narrow terminals: everything fits, nothing of a name is lost in a pipe.
for columns in 20 30 40 60; do
  in_terminal "$columns" 'bootmend --color=never recipes list' >out
  widest=$(wc -L <out)
  ((widest <= (columns < 25 ? 25 : columns))) || fail "$widest columns wide on $columns"
done
in_terminal 40 'bootmend --color=never recipes list | cat' >out
grep -q 'crowdstrike-291 .*channel file 291 of 19 July 2024' out ||
  fail "cut in a pipe"

# Without UTF-8 no byte of it.
LC_ALL=C bootmend help | LC_ALL=C grep -q '[^ -~]' && fail "not ASCII"
true
