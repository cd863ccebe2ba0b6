#!/usr/bin/env bash
# Campaigns from seeds: some that are always the same, all that ever failed, and
# 1,000 that are new whenever the code that they test has changed. Their numbers
# come from a sum over that code, so that whoever has the same code runs the same
# campaigns: what is seen once can be seen again, here and elsewhere.
. "$(dirname "$0")/../functions.sh"

sum=$(cat "$source_dir"/{controller,providers,base,tests/simulation}/*.[ch] |
  sha256sum | cut -c1-8)
first=$((16#$sum))
echo "new seeds: $first-$((first + 999))"
simulate --twins 5 --failed "$source_dir/tests/simulation/failed-seeds" \
  --seeds 1-100
simulate --twins 5 --seeds "$first-$((first + 999))"
