#!/usr/bin/env bash
# The whole process for a fleet on EC2: 12 VMs in 2 zones, with real NTFS disks,
# against the fake EC2 over HTTP, repaired by agents on helpers over real ssh;
# one zone has two helpers, and one of these dies while its agent is at work.
# Then everything but the repaired content is as it was, field by field.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
. "$source_dir/tests/integration/lib-sshd.sh"
requires ntfsls sfdisk qemu-img sshd ssh pgrep

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # volumes have whole GiB, and the agent compares
mkdir "$work/images" "$work/devices"
for n in {01..12}; do cp --sparse=always "$work/bad.img" "$work/bad-$n.img"; done

# Each helper has an sshd of its own, as it has a machine of its own, and a
# folder that stands for its /dev.
helper_ids=(i-00000000000000a01 i-00000000000000a02 i-00000000000000a03)
helper_zones=(us-east-1a us-east-1b us-east-1b)
helpers=() sshds=()
for k in 0 1 2; do
  id=${helper_ids[k]}
  mkdir -p "$work/dev-$k/disk"
  ln -s "$work/devices/$id" "$work/dev-$k/disk/by-id"
  sshd_start
  sshds[k]=$sshd_pid
  cat "$ssh_folder/known_hosts" >>"$work/known_hosts"
  helpers+=(--helper "$id=ssh://$(id -un)@127.0.0.1:$sshd_port,devices=$work/dev-$k")
done
cp "$work/known_hosts" "$ssh_folder/known_hosts"
at_exit kill "${sshds[@]}"

patient() { # NN ZONE
  cat <<END
   {"id": "i-00000000000000b$1", "name": "bad-$1", "zone": "$2", "platform": "windows",
    "root": {"id": "vol-00000000000000b$1", "image": "$work/bad-$1.img",
             "size": 1, "tags": {"team": "shop"}}},
END
}
{
  cat <<END
{"seed": 5, "speed": 20,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a", "us-east-1b"]}},
  "instances": [
END
  for n in {01..12}; do
    if ((10#$n % 2)); then patient "$n" us-east-1a; else patient "$n" us-east-1b; fi
  done
  for k in 0 1 2; do
    echo "   {\"id\": \"${helper_ids[k]}\", \"name\": \"helper-$k\", \"zone\": \"${helper_zones[k]}\"}$( ((k == 2)) || echo ,)"
  done
  echo ' ]}}'
} >"$work/config.json"
ec2_start "$work/config.json"

# ---- is everything there? ----
run bootmend helper check "aws:${helper_ids[1]}=${helpers[3]#*=}" --json
expect_status 0
[[ $(json '.helpers[0].items[] | select(.name == "slots") | .level') == ok ]] ||
  fail 'the provider was not asked'

# ---- repair, and the death of a helper ----
# Helper 1 gets work and is cut off for good: its sshd, and all connections.
kill_helper() {
  local agent
  while [[ ! -e $work/over ]]; do
    # its connection has an agent, and that has a worker with an appliance
    for agent in $(sshd_tree "${sshds[1]}"); do
      if grep -qa -- --worker "/proc/$agent/cmdline" 2>/dev/null; then
        sleep 1
        # shellcheck disable=SC2046 # several
        kill -9 "${sshds[1]}" $(pgrep -P "${sshds[1]}") 2>/dev/null
        echo died >"$work/died"
        return
      fi
    done
    sleep 0.1
  done
}
sshd_tree() { # PID: all below it
  local pid
  for pid in $(pgrep -P "$1"); do
    echo "$pid"
    sshd_tree "$pid"
  done
}
ec2_state >"$work/before.json"
kill_helper &
killer=$!
run bootmend repair 'aws:name=bad-*' --recipe crowdstrike-291 --health status \
  "${helpers[@]}" --helper-limit 3s --json --progress plain
touch "$work/over"
wait "$killer"
ec2_state >"$work/after.json"
expect_status 0
[[ -e $work/died ]] || fail 'no helper died: the test is too late'
[[ $(jq -r '.counts.repaired' <<<"$out") == 12 ]] || fail "not all are repaired: $out"
moved=$(jq -r '[.jobs[] | select(.notes // [] | map(test("was given up")) | any)] | length' \
  <<<"$out")
((moved > 0)) || fail 'no disk went from the dead helper to the other one'
[[ $(jq -r '[.jobs[].created[] | select(.kind == "snapshot") | .id] | unique | length' \
  <<<"$out") == 12 ]] || fail "the snapshots are not in the report: $out"
# the evidence is where the agent was, and nobody else can look at it
evidence=$(find "$ssh_folder/state/helped" -name manifest.json | wc -l)
((evidence == 12)) || fail "$evidence evidence folders on the helpers"
[[ $(stat -c %a "$ssh_folder/state/helped"/*/1) == 700 ]] || fail 'evidence is open to all'

# ---- everything else is as it was, field by field ----
settled() { # FILE: VMs and volumes without what a stop and a start must change
  jq -S '[.. | objects | select(.instanceState? or .attachmentSet?)]
         | sort_by(.instanceId // .volumeId)
         | walk(if type == "object" then with_entries(select(.key
             | (startswith("_") or . == "attachTime" or . == "launchTime" or
                . == "reason" or . == "stateReason") | not)) else . end)' "$1"
}
settled "$work/before.json" >"$work/before.txt"
settled "$work/after.json" >"$work/after.txt"
(($(wc -l <"$work/before.txt") > 300)) || fail 'the state is not what it was thought to be'
diff -u "$work/before.txt" "$work/after.txt" || fail 'the fleet is not as it was'
for n in {01..12}; do
  "$source_dir/tests/fake-cloud/boot-check" "$work/bad-$n.img" >/dev/null ||
    fail "bad-$n does not boot"
done

# ---- back again, from the evidence on its helper; the dead one is no obstacle ----
run bootmend rollback last --vm bad-01 --json --progress plain
expect_status 0
[[ $(jq -r '.jobs[] | select(.name == "bad-01") | .outcome' <<<"$out") == failed-restored ]] ||
  fail 'bad-01 did not go back'
! "$source_dir/tests/fake-cloud/boot-check" "$work/bad-01.img" >/dev/null ||
  fail 'bad-01 still has its repair'
ec2_state >"$work/after.json"
settled "$work/after.json" >"$work/after.txt"
diff -u "$work/before.txt" "$work/after.txt" || fail 'the fleet is not as it was after the rollback'
