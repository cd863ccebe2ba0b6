#!/usr/bin/env bash
# The real agent with real appliances: nothing is left of them when it is
# killed, and a QEMU that is killed costs a repair only its time.
. "$(dirname "$0")/../functions.sh"
requires jq qemu-img guestfish pgrep

# A Windows as far as the agent looks: NTFS with the folders and the bad file.
make_image() {
  head -c 40960 /dev/zero | tr '\0' '\252' >bad.sys
  printf '\252\252\252\252\001\000\043\001' |
    dd of=bad.sys conv=notrunc status=none
  truncate -s 32M base.raw
  local cs=/Windows/System32/drivers/CrowdStrike
  LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=force_tcg \
    guestfish --format=raw -a base.raw >make.log 2>&1 <<END || {
run
part-disk /dev/sda mbr
part-set-mbr-id /dev/sda 1 7
mkfs ntfs /dev/sda1
mount /dev/sda1 /
mkdir-p $cs
mkdir-p /Windows/System32/config
upload bad.sys /Windows/System32/ntoskrnl.exe
upload bad.sys /Windows/System32/config/SYSTEM
upload bad.sys $cs/C-00000291-00000000-00000032.sys
utimens $cs/C-00000291-00000000-00000032.sys 1721362500 0 1721362500 0
umount-all
END
    tail -3 make.log
    skip "guestfish can't make an image here"
  }
}

# start_agent OPTION...: fds 7 (to it) and the file events (from it)
start_agent() {
  rm -f to
  mkfifo to
  : >events
  bootmend-agent --scratch="$work/scratch" "$@" <to >events 2>messages &
  agent=$!
  exec 7>to
}

send_work() { # ID IMAGE
  jq -cn --arg id "$1" --arg path "$work/$2" --arg ev "$work/evidence-$1" \
    --slurpfile r "$source_dir/recipes/data/crowdstrike-291.json" \
    '{bootmend: 1, request: "work", id: $id, mode: "apply", recipe: $r[0],
      disk: {path: $path, format: "raw", trust_domain: "test"},
      evidence: $ev}' >&7
}

heard() { # FILTER
  jq -es "any(.[]; $1)" events >/dev/null 2>&1
}

result() { # ID FILTER
  jq -r --arg id "$1" "select(.event == \"result\" and .id == \$id) | $2" events
}

# The processes of all workers' groups.
groups_of_workers() {
  local pid
  for pid in $(pgrep -P "$agent"); do pgrep -g "$pid"; done
}

none_alive() {
  local pid
  for pid; do if [[ -d /proc/$pid ]]; then return 1; fi; done
}

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
send_work a a.raw
send_work b b.raw
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
