#!/usr/bin/env bash
# The real agent with real appliances: nothing is left of them when it is
# killed, and a QEMU that is killed costs a repair only its time.
. "$(dirname "$0")/../functions.sh"
# shellcheck source=tests/fault/lib-agent.sh
. "$source_dir/tests/fault/lib-agent.sh"
requires jq qemu-img guestfish pgrep

make_image

# kill -9 of the agent while the appliance works: no QEMU is left, the disk is
# untouched, and the next agent clears the scratch folder and repairs it.
cp --sparse=always base.raw a.raw
start_agent --workers=1
send_work a a.raw
wait_for 240 heard '.event == "stage" and .stage == "opened"' ||
  fail "no appliance: $(tail -2 messages)"
mapfile -t pids < <(groups_of_workers)
((${#pids[@]} >= 3)) || fail "worker, watcher and QEMU expected: ${pids[*]}"
kill -9 "$agent"
wait_for 3 none_alive "${pids[@]}" || fail "left: $(ps -fp "${pids[@]}")"
wait "$agent" 2>/dev/null || true
exec 7>&-
cmp base.raw a.raw || fail "the disk was changed before its commit"
echo "ok: kill -9 of the agent leaves no process and an untouched disk"

# The same disk again, shared with another; QEMU is killed once.
cp --sparse=always base.raw b.raw
start_agent --workers=1
wait_for 10 heard '.event == "hello"' || fail "no hello"
[[ -z $(find scratch -name 'scratch-*') ]] || fail "the scratch was not cleared"
# at once: nobody waits long for company
{ send_work a a.raw && send_work b b.raw; } 7>works
cat works >&7
wait_for 240 heard '.event == "stage" and .stage == "opened"' ||
  fail "no appliance"
for pid in $(groups_of_workers); do
  if [[ $(ps -o comm= -p "$pid") == qemu-system* ]]; then kill -9 "$pid"; fi
done
wait_for 400 heard '.event == "result" and .id == "a"' || fail "a: no result"
wait_for 400 heard '.event == "result" and .id == "b"' || fail "b: no result"
heard '.event == "appliance" and .phase == "lost" and .suspect == "a"' ||
  fail "the loss was not told"
for id in a b; do
  [[ $(result $id .outcome) == repaired && $(result $id .tries) == 2 ]] ||
    fail "$id: $(result $id .)"
  cmp -s base.raw $id.raw && fail "$id: nothing was changed"
done
exec 7>&-
wait "$agent" || fail "exit status $? of the agent"
left=$(find scratch -mindepth 1 ! -name kvm-broken ! -path '*/lean*')
[[ -z $left ]] || fail "left: $left"
echo "ok: QEMU killed in a shared appliance: both disks repaired singly"
