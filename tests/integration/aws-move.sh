#!/usr/bin/env bash
# The whole process for EC2: bootmend repair over HTTP against the fake EC2,
# disks that are real NTFS images, two zones with a helper each, whose agents
# are local programs that see their helper's devices in a folder.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires ntfsls sfdisk qemu-img

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # volumes have whole GiB, and the agent compares
for n in 1 2 3 4; do cp --sparse=always "$work/bad.img" "$work/bad-$n.img"; done
mkdir "$work/images" "$work/devices"
helpers=() # what each helper's /dev looks like
for zone in 1 2; do
  id=i-00000000000000a0$zone
  mkdir -p "$work/dev-$zone/disk"
  ln -s "$work/devices/$id" "$work/dev-$zone/disk/by-id"
  helpers+=(--helper "$id=local,devices=$work/dev-$zone")
done

patient() { # N ZONE
  cat <<END
   {"id": "i-00000000000000b0$1", "name": "bad-$1", "zone": "$2", "platform": "windows",
    "root": {"id": "vol-00000000000000b0$1", "image": "$work/bad-$1.img",
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
  patient 1 us-east-1a
  patient 2 us-east-1b
  patient 3 us-east-1a
  patient 4 us-east-1b
  cat <<END
   {"id": "i-00000000000000a01", "name": "helper-a", "zone": "us-east-1a"},
   {"id": "i-00000000000000a02", "name": "helper-b", "zone": "us-east-1b"}]}}
END
} >"$work/config.json"
ec2_start "$work/config.json"

# ---- wrong keys: one message, nothing touched ----
AWS_SECRET_ACCESS_KEY=wrong run bootmend plan 'aws:name=bad-*' --recipe crowdstrike-291
expect_status 1

# ---- without a helper nothing is begun ----
run bootmend repair 'aws:name=bad-*' --recipe crowdstrike-291
((status != 0)) || fail 'it went on without a helper'
expect_msg '--helper ID='

# ---- repair ----
ec2_state >"$work/before.json"
run bootmend repair 'aws:name=bad-*' --recipe crowdstrike-291 --health status \
  "${helpers[@]}" --json --progress plain
ec2_state >"$work/after.json"
expect_status 0
[[ $(jq -r '.counts.repaired' <<<"$out") == 4 ]] || fail "not all are repaired: $out"
[[ $(jq -r '[.jobs[].created[] | select(.kind == "snapshot") | .id] | unique | length' \
  <<<"$out") == 4 ]] || fail "the snapshots are not in the report: $out"

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
(($(wc -l <"$work/before.txt") > 100)) || fail 'the state is not what it was thought to be'
diff -u "$work/before.txt" "$work/after.txt" || fail 'the fleet is not as it was'
