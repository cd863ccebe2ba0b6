#!/usr/bin/env bash
# The controller is killed right after every single commit of its journal, one
# run for each: an intent is on disk and its request was never sent, or a
# request was answered and the answer is on disk. After each, `resume` ends as
# the run without the fault did, or (every other time) `rollback` gives the VM
# back as it was, to the byte.
#
# After every fifth commit, from a random one on (printed; START=2 to 6 chooses
# it), so that five runs have them all; after all of them in one run with
# BOOTMEND_TEST_LONG. (The simulation kills after every commit of all kinds of
# campaigns; this is the same with real processes, disks and VMs.)
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

fleet_up --bad 1
vm=$prefix-bad-1

killed=0 step=5 start=${START:-$((2 + RANDOM % 5))} # commit 1 makes the journal
[[ -z ${BOOTMEND_TEST_LONG:-} ]] || step=1 start=2
echo "from commit $start on, every $step"
for ((n = start; ; n += step)); do
  export BOOTMEND_FAULT_KILL_AFTER_COMMIT=$n
  repair --quiet
  unset BOOTMEND_FAULT_KILL_AFTER_COMMIT
  if ((status != 137)); then break; fi
  killed=$((killed + 1))
  if ((killed % 2 == 1)); then
    run bootmend resume --quiet
    expect_status 0
    check_repaired "$vm"
  else
    run bootmend rollback --quiet
    check_as_before "$vm"
    ((status == 0 || status == 1)) || fail "rollback: exit status $status: $msg"
  fi
  fleet_reset
done
expect_status 0
check_repaired "$vm"
((killed >= 18 / step)) || fail "only $killed commits: the fault never struck"
echo "killed after each of $killed commits"
