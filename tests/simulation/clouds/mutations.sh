#!/usr/bin/env bash
# Would the simulation of whole clouds notice? The controller is broken on
# purpose, one way at a time (controller/mutation.h, "disks that travel"), and
# each must be caught within 200 seeds.
. "$(dirname "$0")/../../functions.sh"

simulate=$build_dir/bin/simulate-clouds
[[ -x $simulate ]] || skip "simulate-clouds is not built"

mapfile -t mutations < <(
  sed -n 's/^ \*     \([a-z]*-[a-z]*\) .*/\1/p' "$source_dir/controller/mutation.h")
((${#mutations[@]} >= 6)) || fail "mutation.h names ${#mutations[@]} mutations"
for mutation in "${mutations[@]}"; do
  grep -rqF "mutated (\"$mutation\")" "$source_dir/controller" ||
    fail "$mutation: nothing in controller/ heeds it"
done

missed=0
for mutation in "${mutations[@]}" skip-commit blind-resume forget-undo stale-look; do
  if "$simulate" --seeds 1-200 --first --mutate "$mutation" >"$work/out"; then
    echo "$mutation: NOT caught: $(tail -n 1 "$work/out")"
    missed=1
  else
    echo "$mutation: $(head -n 1 "$work/out" | cut -c 1-150)"
  fi
done
# Azure's checks can fail, too.
for mutation in wrong-disk forget-undo keep-mark; do
  if "$simulate" --cloud azure --all --seeds 1-40 --first --mutate "$mutation" >"$work/out"; then
    echo "azure, $mutation: NOT caught: $(tail -n 1 "$work/out")"
    missed=1
  else
    echo "azure, $mutation: $(head -n 1 "$work/out" | cut -c 1-150)"
  fi
done
((missed == 0)) || fail "some mutations are not caught"
