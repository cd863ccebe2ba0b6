# shellcheck shell=bash
# lib-agent.sh - a conversation with the real bootmend-agent, for fault tests
#
#   . "$(dirname "$0")/lib-agent.sh"    # after functions.sh
#   make_image                          # $work/base.raw, once
#   start_agent OPTION...; send_work ID IMAGE [MODE]; wait_for 99 heard FILTER
# shellcheck disable=SC2034,SC2154  # shared with functions.sh and the tests

# shellcheck source=/dev/null
. "$source_dir/tests/guestfish.sh"

# A Windows as far as the agent looks: NTFS with the folders and the bad file.
make_image() {
  head -c 40960 /dev/zero | tr '\0' '\252' >bad.sys
  printf '\252\252\252\252\001\000\043\001' |
    dd of=bad.sys conv=notrunc status=none
  truncate -s 32M base.raw
  local cs=/Windows/System32/drivers/CrowdStrike
  guestfish --format=raw -a base.raw >make.log 2>&1 <<END || {
run
part-disk /dev/sda mbr
part-set-mbr-id /dev/sda 1 7
mkfs ntfs /dev/sda1
mount /dev/sda1 /
mkdir-p $cs
mkdir-p /Windows/System32/config
upload bad.sys /Windows/System32/ntoskrnl.exe
upload bad.sys /Windows/System32/config/SYSTEM
upload bad.sys $cs/C-00000291-00000000-00000032.sys
utimens $cs/C-00000291-00000000-00000032.sys 1721362500 0 1721362500 0
umount-all
END
    tail -3 make.log
    skip "guestfish can't make an image here"
  }
}

# start_agent OPTION...: fds 7 (to it) and the file events (from it)
start_agent() {
  rm -f to
  mkfifo to
  : >events
  bootmend-agent --scratch="$work/scratch" "$@" <to >events 2>messages &
  agent=$!
  exec 7>to
}

send_work() { # ID IMAGE [MODE]
  jq -cn --arg id "$1" --arg path "$work/$2" --arg ev "$work/evidence-$1" \
    --arg mode "${3:-apply}" \
    --slurpfile r "$source_dir/recipes/data/crowdstrike-291.json" \
    '{bootmend: 1, request: "work", id: $id, mode: $mode, recipe: $r[0],
      disk: {path: $path, format: "raw", trust_domain: "test"},
      evidence: $ev}' >&7
}

# jq is only asked if there is something new for this FILTER.
not_heard=
heard() { # FILTER
  local all
  all=$1$(<events)
  [[ $all != "$not_heard" ]] || return 1
  jq -es "any(.[]; $1)" events >/dev/null 2>&1 || {
    not_heard=$all
    return 1
  }
}

result() { # ID FILTER
  jq -r --arg id "$1" "select(.event == \"result\" and .id == \$id) | $2" events
}

# The processes of all workers' groups.
groups_of_workers() {
  local pid
  for pid in $(pgrep -P "$agent"); do pgrep -g "$pid"; done
}

none_alive() {
  local pid
  for pid; do if [[ -d /proc/$pid ]]; then return 1; fi; done
}
