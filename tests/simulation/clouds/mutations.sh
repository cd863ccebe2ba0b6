#!/usr/bin/env bash
# Would the simulation of whole clouds notice? The controller is broken on
# purpose, one way at a time (controller/mutation.h, "disks that travel"), and
# each must be caught within 500 seeds, on each cloud where it can do harm.
# Where it can't: what an attach resets is only on AWS put back by a step of its
# own (the others attach with all attributes), and Azure's copies are PUTs of a
# name, so that a second one is the first.
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
# CLOUD WORD-OR-EMPTY MUTATION[:SEED]...: begins a little before the first seed
# that caught it when this was written; 500 are tried.
caught() {
  local cloud=$1 all=$2 mutation start
  shift 2
  for mutation; do
    start=1
    [[ $mutation == *:* ]] && start=${mutation#*:}
    mutation=${mutation%:*}
    if "$simulate" --cloud "$cloud" ${all:+"$all"} --seeds "$start-$((start + 499))" \
      --first --mutate "$mutation" >"$work/out"; then
      echo "$cloud, $mutation: NOT caught: $(tail -n 1 "$work/out")"
      missed=1
    else
      echo "$cloud, $mutation: $(head -n 1 "$work/out" | cut -c 1-150)"
    fi
  done
}

caught aws "" "${mutations[@]}" skip-commit blind-resume forget-undo stale-look
caught aws --all swap-clean wrong-disk
caught azure --all hasty-detach:40 hasty-attach:30 hasty-start keep-mark skip-commit \
  blind-resume forget-undo stale-look forget-created:38 swap-clean wrong-disk
caught gcp --all hasty-detach:5 hasty-attach:7 hasty-start:38 blind-snapshot:31 \
  keep-mark skip-commit blind-resume:5 forget-undo stale-look forget-created:8 \
  swap-clean wrong-disk
((missed == 0)) || fail "some mutations are not caught"
