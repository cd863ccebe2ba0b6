#!/usr/bin/env bash
# A state folder that can't be written: at once (nothing is touched), or in the
# middle of a campaign (nothing more is sent; a resume ends it well).
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 1
vm=$prefix-bad-1
state=$work/small
mkdir "$state"
mount -t tmpfs -o size=200m,mode=700 bootmend-test "$state" 2>/dev/null ||
  skip 'this machine does not let us mount a tmpfs'
at_exit umount -l "$state"
export BOOTMEND_STATE_DIR=$state

# Read-only from the beginning.
mount -o remount,ro "$state"
repair
expect_status 1
expect_msg 'Read-only file system'
check_as_before "$vm"
mount -o remount,rw "$state"

# Full from the beginning.
head -c 300m /dev/zero >"$state/filler" 2>/dev/null || true
repair
expect_status 1
expect_msg 'full'
check_as_before "$vm"
rm -rf "${state:?}"/*

# Full in the middle: room for a journal and a few commits, then none; or too
# little for what a repair needs.
fill() { head -c "$1" /dev/zero >"$state/filler" 2>/dev/null || true; }
struck=0
for left in 96 160 224 20480; do
  fill $(((200 * 1024 - left) * 1024))
  repair --quiet
  if ((status == 0)); then break; fi
  expect_status 1
  struck=$((struck + 1))
  rm -f "$state/filler"
  run bootmend list
  if [[ $out == *crowdstrike-291* ]]; then
    run bootmend resume --quiet
    # It ends well, or it had gone back already for lack of room.
    if ((status == 0)); then check_repaired "$vm"; else check_as_before "$vm"; fi
  else
    check_as_before "$vm"
  fi
  fleet_reset 2>/dev/null || true
  rm -rf "${state:?}"/*
done
((struck > 0)) || fail 'the folder was never full'
