#!/usr/bin/env bash
# No VM runs on a disk that the agent has open: starting the domain by hand in
# the middle of its repair is refused by the locks on its image.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 1
vm=$prefix-bad-1
bootmend repair "libvirt:$prefix-*" --recipe crowdstrike-291 \
  --health 'serial:BOOT OK' --shutdown-limit 0 --progress json \
  >"$work/out" 2>"$work/msg" &
pid=$!
# The agent takes its locks before it makes this overlay.
held() { compgen -G "$BOOTMEND_STATE_DIR/*/evidence/1/work.qcow2" >/dev/null; }
wait_for 90 held || fail "no repair began: $(cat "$work/msg")"

refused=0 started=0
while kill -0 "$pid" 2>/dev/null && [[ $(power "$vm") == 'shut off' ]]; do
  if virsh_ start "$vm" >/dev/null 2>"$work/start"; then
    started=1
    break
  elif grep -q 'lock' "$work/start"; then
    refused=$((refused + 1))
  fi
  sleep 0.2
done
status=0
wait "$pid" || status=$?
((refused > 0)) || fail "no start was refused by a lock: $(cat "$work/start")"
# A start that came through came after the agent had let go of the disk.
((status == 0)) || fail "exit status $status (started by hand: $started): $(cat "$work/out" "$work/msg")"
check_repaired "$vm"
echo "refused $refused times while the agent had the disk"
