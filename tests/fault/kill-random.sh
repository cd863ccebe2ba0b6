#!/usr/bin/env bash
# kill -9 of the controller at random moments of a real campaign over three VMs
# (not only between its commits): after `resume` all is as if nothing had
# happened, and the audit chain holds.
#
# 50 moments (MOMENTS=N: so many). They are printed; SEED=N chooses them.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 3
RANDOM=${SEED:-$((RANDOM + 1))}
echo "SEED=$RANDOM"
moments=${MOMENTS:-50}
now_ms() { echo $(($(date +%s%N) / 1000000)); }

# How long it takes when nothing happens.
begin=$(now_ms)
repair --quiet
expect_status 0
length=$(($(now_ms) - begin))
echo "without a kill: $length ms"

struck=0
for ((i = 1; i <= moments; i++)); do
  fleet_reset
  moment=$(((RANDOM * 32768 + RANDOM) % length))
  bootmend repair "libvirt:$prefix-bad-*" -r crowdstrike-291 \
    --health 'serial:BOOT OK' --shutdown-limit 0 --quiet >/dev/null 2>&1 &
  pid=$!
  sleep "$((moment / 1000)).$(printf %03d $((moment % 1000)))"
  kill -9 "$pid" 2>/dev/null || true
  wait "$pid" 2>/dev/null && ended=yes || ended=no
  echo "moment $i: $moment ms, ended before: $ended"
  [[ $ended == yes ]] || struck=$((struck + 1))
  if [[ $ended == no ]]; then
    run bootmend resume --quiet
    # killed before there was a journal: nothing was touched, begin again
    if ((status != 0)) && [[ $msg == *'no campaigns in'* ]]; then repair --quiet; fi
    [[ $status == 0 ]] || bootmend report >&2
    [[ $status == 0 ]] || fail "moment $moment ms: exit status $status: $msg"
  fi
  for n in 1 2 3; do check_repaired "$prefix-bad-$n"; done
  run bootmend audit verify
  expect_status 0
done
((struck > 0)) || fail "no kill struck"
echo "$struck of $moments kills struck"
