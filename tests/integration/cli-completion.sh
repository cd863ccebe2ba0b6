#!/usr/bin/env bash
# Completion in a real interactive bash: TAB is pressed, the line is looked at.
. "$(dirname "$0")/../functions.sh"
requires tmux

socket=$work/tmux
tmux() {
  command tmux -S "$socket" -f /dev/null "$@"
}
at_exit tmux kill-server 2>/dev/null

: >web.json
mkdir folder
cat >rc <<RC
PATH=$build_dir/bin:\$PATH
PS1='> '
bind 'set completion-ignore-case off'
bind 'set bell-style none'
bind 'set show-all-if-ambiguous on'
. "$source_dir/docs/bootmend.bash"
RC
tmux new-session -d -x 100 -y 30 -c "$work" "bash --noprofile --rcfile $work/rc -i"

screen() {
  tmux capture-pane -p
}
has_line() {
  screen | grep -qxF -- "$1"
}

has_only_a_prompt() {
  [[ $(screen) == '>' ]]
}
wait_for 20 has_only_a_prompt || fail "bash did not start: $(screen)"

completes() { # TYPED EXPECTED-LINE
  tmux send-keys C-u
  tmux send-keys C-l
  wait_for 10 has_only_a_prompt || fail "no prompt: $(screen)"
  tmux send-keys -l -- "$1"
  tmux send-keys Tab
  wait_for 20 has_line "> $2" || fail "'$1' became: $(screen), not '$2'"
}

completes 'bootmend repa' 'bootmend repair'
completes 'bootmend recipes sc' 'bootmend recipes schema'
completes 'bootmend repair --max-i' 'bootmend repair --max-in-flight'
completes 'bootmend repair libv' 'bootmend repair libvirt:'
completes 'bootmend repair -r crowdstrike-r' \
  'bootmend repair -r crowdstrike-rename-folder'
completes 'bootmend repair --recipe=crowdstrike-2' \
  'bootmend repair --recipe=crowdstrike-291'
completes 'bootmend --color=al' 'bootmend --color=always'
completes 'bootmend -v --color al' 'bootmend -v --color always'
completes 'bootmend fix-disk we' 'bootmend fix-disk web.json'
completes 'bootmend fix-disk x --evidence fol' \
  'bootmend fix-disk x --evidence folder/'
completes 'bootmend help roll' 'bootmend help rollback'
completes 'bootmend status la' 'bootmend status last'

# Every option of every command can be reached.
run bootmend --complete-words 2 bootmend repair --
expect_out --verify-limit
expect_out --libvirt-uri
[[ $out != *--undo* ]] || fail "repair has no --undo"
run bootmend --complete-words 1 bootmend rep
[[ $out == $'repair\nreport' ]] || fail "rep is repair or report"
