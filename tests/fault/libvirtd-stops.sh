#!/usr/bin/env bash
# libvirtd goes away in the middle of a campaign and comes back: the campaign
# waits for it and ends as if nothing had been.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 2
[[ -e $fleet/libvirtd.pid ]] || skip 'the libvirtd that runs here is not ours'
bootmend repair "libvirt:$prefix-*" --recipe crowdstrike-291 \
  --health 'serial:BOOT OK' --shutdown-limit 0 --progress none \
  >"$work/out" 2>"$work/msg" &
pid=$!

all_off() {
  [[ $(power "$prefix-bad-1") == 'shut off' ]] &&
    [[ $(power "$prefix-bad-2") == 'shut off' ]]
}
wait_for 60 all_off || fail 'the VMs were not stopped'
"$source_dir/tests/fleet/fleet" stop-server "$fleet"
sleep 12
kill -0 "$pid" 2>/dev/null || fail "it gave up: $(cat "$work/msg")"
"$source_dir/tests/fleet/fleet" start-server "$fleet"
status=0
wait "$pid" || status=$?
((status == 0)) || fail "exit status $status: $(cat "$work/out" "$work/msg")"
check_repaired "$prefix-bad-1"
check_repaired "$prefix-bad-2"
