#!/usr/bin/env bash
# kill -9 of the agent at every event of its conversation, each on a disk of its
# own. Then all these disks are repaired again with the same evidence folders,
# which must end as without the fault, and undone, which must give back each
# byte.
. "$(dirname "$0")/../functions.sh"
# shellcheck source=tests/fault/lib-agent.sh
. "$source_dir/tests/fault/lib-agent.sh"
requires jq qemu-img guestfish pgrep
make_image

# Events in their order, as FILTERs; the name is that of the disk.
declare -A events_of=(
  [accepted]='.event == "accepted"'
  [start]='.event == "appliance" and .phase == "start"'
  [up]='.event == "appliance" and .phase == "up"'
  [result]='.event == "result"'
)
order=(accepted start up)
for stage in appliance opened os-found matched backed-up changed checked closed \
  saved committed; do
  events_of[$stage]=".event == \"stage\" and .stage == \"$stage\""
  order+=("$stage")
done
order+=(result)

untouched=0
for name in "${order[@]}"; do
  cp --sparse=always base.raw "$name.raw"
  start_agent --workers=1
  send_work "$name" "$name.raw"
  wait_for 240 heard "(${events_of[$name]}) or .event == \"result\"" ||
    fail "$name: nothing came: $(tail -2 messages)"
  heard "${events_of[$name]}" || fail "$name: this event did not come"
  mapfile -t pids < <(groups_of_workers)
  kill -9 "$agent"
  wait "$agent" 2>/dev/null || true
  exec 7>&-
  wait_for 3 none_alive "${pids[@]}" || fail "$name: left: ${pids[*]}"
  if cmp -s base.raw "$name.raw"; then untouched=$((untouched + 1)); fi
done
echo "ok: killed at ${#order[@]} events; $untouched disks untouched so far"

all_of() { # MODE OUTCOMES...
  start_agent --workers=1
  for name in "${order[@]}"; do send_work "$name" "$name.raw" "$1"; done
  for name in "${order[@]}"; do
    wait_for 500 heard ".event == \"result\" and .id == \"$name\"" ||
      fail "$name: $1 has no result: $(tail -2 messages)"
    [[ " ${*:2} " == *" $(result "$name" .outcome) "* ]] ||
      fail "$name: $1: $(result "$name" .)"
  done
  exec 7>&-
  wait "$agent" || fail "$1: exit status $?"
}

all_of apply repaired clean
for name in "${order[@]}"; do
  cmp -s base.raw "$name.raw" && fail "$name: was not repaired"
done
echo "ok: repaired with the same evidence folders"
all_of undo undone
for name in "${order[@]}"; do
  cmp base.raw "$name.raw" || fail "$name: the undo left a difference"
done
echo "ok: undone to the last byte"
