#!/usr/bin/env bash
# Strategy swap for EC2 over HTTP, with disks that are real NTFS images: a
# repaired copy takes the place of the OS disk, which stays to the byte as it
# was, and comes back by a rollback.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires ntfsls sfdisk qemu-img

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # volumes have whole GiB, and the agent compares
for n in 1 2 3; do cp --sparse=always "$work/bad.img" "$work/bad-$n.img"; done
mkdir -p "$work/images" "$work/devices" "$work/dev/disk"
helper="i-00000000000000a01"
ln -s "$work/devices/$helper" "$work/dev/disk/by-id"
cat >"$work/config.json" <<END
{"seed": 5, "speed": 30,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "instances": [
   {"id": "i-00000000000000b01", "name": "bad-1", "zone": "us-east-1a", "platform": "windows",
    "root": {"id": "vol-00000000000000b01", "image": "$work/bad-1.img", "size": 1,
             "type": "io2", "iops": 500, "tags": {"team": "shop"}}},
   {"id": "i-00000000000000b02", "name": "bad-2", "zone": "us-east-1a", "platform": "windows",
    "root": {"id": "vol-00000000000000b02", "image": "$work/bad-2.img", "size": 1,
             "delete_on_termination": false}},
   {"id": "i-00000000000000b03", "name": "live-3", "zone": "us-east-1a", "platform": "windows",
    "root": {"id": "vol-00000000000000b03", "image": "$work/bad-3.img", "size": 1}},
   {"id": "$helper", "name": "helper-a", "zone": "us-east-1a"}]}}
END
ec2_start "$work/config.json"
swap=(--strategy swap --aws-settle 500ms --recipe crowdstrike-291 --health status --json --progress plain
  --helper "$helper=local,devices=$work/dev")

# What a swap must leave as it was: instances, and disks but for who they are.
# The VM's present disk stands where its own was.
fleet() { # FILE
  jq -S '[.. | objects | select(.instanceState?) | select(._state_of_helper | not)]
    | sort_by(.instanceId)
    | walk(if type == "object" then with_entries(select(.key
        | (startswith("_") or . == "attachTime" or . == "launchTime" or . == "volumeId" or
           . == "reason" or . == "stateReason") | not)) else . end)' "$1"
}

# ---- swap ----
ec2_state >"$work/before.json"
# live-3 meanwhile, without a stop: one call swaps the disk of the running VM
BOOTMEND_STATE_DIR=$work/state-live bootmend repair 'aws:name=live-*' "${swap[@]}" \
  --copy-running >"$work/live.json" 2>"$work/live.err" &
live=$!
run bootmend repair 'aws:name=bad-*' "${swap[@]}"
live_status=0
wait "$live" || live_status=$?
ec2_state >"$work/after.json"
expect_status 0
[[ $(jq -r '.counts.repaired' <<<"$out") == 2 ]] || fail "not all are repaired: $out"
fleet "$work/before.json" >"$work/before.txt"
fleet "$work/after.json" >"$work/after.txt"
(($(wc -l <"$work/before.txt") > 60)) || fail 'the state is not what it was thought to be'
diff -u "$work/before.txt" "$work/after.txt" || fail 'the fleet is not as it was'
volume() { # FILE ID
  jq -e --arg id "$2" '[.. | objects | select(.volumeId? == $id and has("size"))][0]' "$1"
}
root_of() { # FILE INSTANCE
  jq -r --arg id "$2" '[.. | objects | select(.instanceId? == $id and .instanceState?)][0]
    | .rootDeviceName as $root | .blockDeviceMapping[] | select(.deviceName == $root)
    | .ebs.volumeId' "$1"
}
((live_status == 0)) || fail "--copy-running: $(cat "$work/live.err" "$work/live.json")"
calls() { # JQ: how many calls on live-3 that were not only tried
  curl -sf "$url/_fake/calls" | jq "[.[] | select($1) | select(.params.DryRun | not) |
    select(.ids // [] | index(\"i-00000000000000b03\"))] | length"
}
[[ $(calls '.action == "CreateReplaceRootVolumeTask"') == 1 ]] || fail 'live-3: no task'
[[ $(calls '.action | test("^(Stop|Start)Instances")') == 0 ]] || fail 'live-3 was stopped'
for n in 1 2 3; do
  own=vol-00000000000000b0$n
  new=$(root_of "$work/after.json" "i-00000000000000b0$n")
  [[ $new == vol-* && $new != "$own" ]] || fail "bad-$n has its own disk still: $new"
  # like its own disk, in all that makes its performance and its owner
  for key in size volumeType iops throughput encrypted; do
    [[ $(volume "$work/after.json" "$new" | jq -c ".$key") == \
      $(volume "$work/before.json" "$own" | jq -c ".$key") ]] || fail "bad-$n: $key differs"
  done
  volume "$work/after.json" "$own" | jq -e '.status == "available" and
    any(.tagSet[]; .key == "bootmend:kept-for" and .value == "i-00000000000000b0'"$n"'")' \
    >/dev/null || fail "the disk of bad-$n is not kept: $(volume "$work/after.json" "$own")"
  cmp -s "$work/bad.img" "$work/bad-$n.img" || fail "the disk of bad-$n was changed"
  jq -e --arg own "$own" '.jobs[] | select(.kept.id == $own)' >/dev/null \
    <<<"$( ((n == 3)) && cat "$work/live.json" || echo "$out")" ||
    fail "the report does not say that $own stays"
done
[[ $(volume "$work/after.json" "$(root_of "$work/after.json" i-00000000000000b01)" |
  jq -r '.tagSet[] | select(.key == "team").value') == shop ]] || fail 'the copy lacks a tag'

# ---- rollback: their own disks again, and nothing of ours on them ----
run bootmend rollback last --json --progress plain --vm bad-1
expect_status 0
ec2_state >"$work/back.json"
[[ $(root_of "$work/back.json" i-00000000000000b01) == vol-00000000000000b01 ]] ||
  fail 'its own disk is not back'
[[ $(root_of "$work/back.json" i-00000000000000b02) != vol-00000000000000b02 ]] ||
  fail 'bad-2 was rolled back, too'
volume "$work/back.json" vol-00000000000000b01 |
  jq -e 'all(.tagSet[]; .key | startswith("bootmend:") | not)' >/dev/null ||
  fail 'its disk has tags of ours'
fleet "$work/back.json" >"$work/back.txt"
diff -u "$work/before.txt" "$work/back.txt" || fail 'the fleet is not as it was'
cmp -s "$work/bad.img" "$work/bad-1.img" || fail 'its disk was changed'
