#!/usr/bin/env bash
# QEMU dies in the middle of a repair: the agent names what happened and tries
# the disk again by itself; the VM ends repaired.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 2
bootmend repair "libvirt:$prefix-*" --recipe crowdstrike-291 \
  --health 'serial:BOOT OK' --shutdown-limit 0 --progress none \
  >"$work/out" 2>"$work/msg" &
pid=$!

# The appliance's QEMU is a descendant of the controller; the VMs' are not.
descendants() { # PID
  local child
  for child in $(pgrep -P "$1"); do
    echo "$child"
    descendants "$child"
  done
}
appliance() {
  local p
  for p in $(descendants "$pid"); do
    if [[ $(cat "/proc/$p/comm" 2>/dev/null) == qemu-system-* ]]; then
      echo "$p"
      return 0
    fi
  done
  return 1
}
wait_for 60 appliance >/dev/null || fail 'no appliance was started'
sleep 1
kill -9 "$(appliance)"
status=0
wait "$pid" || status=$?
out=$(<"$work/out") msg=$(<"$work/msg")
((status == 0)) || fail "exit status $status: $out $msg"
check_repaired "$prefix-bad-1"
check_repaired "$prefix-bad-2"
