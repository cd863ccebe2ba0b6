#!/usr/bin/env bash
# Would the simulation notice? The controller is broken on purpose, one way at a
# time (controller/mutation.h), and each must be caught within 500 seeds. A
# mutation that the list in mutation.h names and this test does not know is an
# error, so that none is forgotten.
. "$(dirname "$0")/../functions.sh"

simulate=$build_dir/bin/simulate
[[ -x $simulate ]] || skip "simulate is not built"

mapfile -t mutations < <(
  sed -n 's/^ \*   \([a-z]*-[a-z]*\)  .*/\1/p' "$source_dir/controller/mutation.h")
((${#mutations[@]} >= 7)) || fail "mutation.h names ${#mutations[@]} mutations"
for mutation in "${mutations[@]}"; do
  grep -rqF "mutated (\"$mutation\")" "$source_dir/controller" ||
    fail "$mutation: nothing in controller/ heeds it"
done

"$simulate" --seeds 1-60 --twins 5 >"$work/well" ||
  fail "the controller fails as it is: $(cat "$work/well")"
# Two controllers that mark a VM at the same moment are rare: here are some.
declare -A from=([no-recheck]=1001)
missed=0
for mutation in "${mutations[@]}"; do
  start=${from[$mutation]:-1}
  if "$simulate" --seeds "$start-$((start + 499))" --twins 5 --first --mutate "$mutation" \
    >"$work/out"; then
    echo "$mutation: NOT caught: $(tail -n 1 "$work/out")"
    missed=1
  else
    echo "$mutation: $(head -n 1 "$work/out" | cut -c 1-150)"
  fi
done
((missed == 0)) || fail "some mutations are not caught"
