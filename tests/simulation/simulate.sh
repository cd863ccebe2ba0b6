#!/usr/bin/env bash
# Campaigns from seeds: some that are always the same, all that ever failed, and
# as many as its argument says (1000) that are new whenever the code that they test
# has changed. Their numbers
# come from a sum over that code, so that whoever has the same code runs the same
# campaigns: what is seen once can be seen again, here and elsewhere.
. "$(dirname "$0")/../functions.sh"

sum=$(cat "$source_dir"/{controller,providers,base,tests/simulation}/*.[ch] |
  sha256sum | cut -c1-8)
first=$((16#$sum))
last=$((first + ${1:-1000} - 1))
echo "new seeds: $first-$last"
simulate --twins 5 --failed "$source_dir/tests/simulation/failed-seeds" \
  --seeds 1-100
simulate --twins 5 --seeds "$first-$last"
# Of 20 VMs: a VM that another campaign has by now was started; one that came up by
# itself was stopped; a slot that nobody used was kept from those who needed it; a
# short lease ran out while the reply to its renewal was waited for.
for seed in 5171 6381 8625 8777 2198; do simulate --size 20 --seeds "$seed-$seed"; done
