#!/usr/bin/env bash
# Strategy restore for EC2 over HTTP, without a recipe: no helper, no appliance.
# The newest snapshot before a time takes the place of the root volume, which
# comes back by a rollback, or is deleted by a release.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires sqlite3 aws

patient() { # N MORE
  cat <<END
   {"id": "i-00000000000000b0$1", "name": "bad-$1", "zone": "us-east-1a",
    "root": {"id": "vol-00000000000000b0$1", "size": 8, "boots": false$2}${3:-}},
END
}
snapshots=', "snapshots": [
  {"id": "snap-000000000000old1", "start_time": "2024-07-01T00:00:00.000Z", "boots": false},
  {"id": "snap-000000000000old2", "start_time": "2024-07-18T00:00:00.000Z", "boots": true, "size": 5},
  {"id": "snap-000000000000old4", "start_time": "2024-07-19T01:00:00.000Z", "tier": "archive"},
  {"id": "snap-000000000000old3", "start_time": "2024-07-19T05:00:00.000Z", "boots": false}]'
{
  cat <<END
{"seed": 5, "speed": 60, "aws": {
  "accounts": {"111122223333": {"keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "groups": [{"name": "shop", "region": "us-east-1"}],
  "instances": [
END
  patient 1 "${snapshots//old/a0a0}"
  patient 2 "${snapshots//old/b0b0}" ', "asg": "shop"'
  patient 3 ''
  cat <<END
   {"id": "i-0000000000000a001", "name": "other", "zone": "us-east-1a"}]}}
END
} >"$work/config.json"
ec2_start "$work/config.json"
restore=(--strategy restore --health status --aws-settle 300ms --json --include-healthy
  --allow auto-scaling)
root_of() {
  ec2_state | jq -r --arg id "$1" '[.. | objects
    | select(.instanceId? == $id and .instanceState?)][0] | .rootDeviceName as $root
    | .blockDeviceMapping[] | select(.deviceName == $root) | .ebs.volumeId'
}
exists() { curl -sf "$url/_fake/object/$1" >"$work/object" && ! jq -e .gone "$work/object" >/dev/null; }

# ---- words that need each other ----
run bootmend plan 'aws:name=bad-*' --strategy restore --recipe crowdstrike-291
expect_status 2
run bootmend plan 'aws:name=bad-*' --before yesterday --strategy restore
expect_status 2

# ---- plan: which snapshot, and who has none ----
run bootmend plan 'aws:name=bad-*' "${restore[@]}" --before 2024-07-19T04:00:00Z
expect_status 0
for n in 1 2; do
  [[ $(jq -r --arg n "bad-$n" '.vms[] | select(.name == $n).snapshot.created' <<<"$out") == \
    2024-07-18T* ]] || fail "bad-$n: not the newest before: $(jq -c '[.vms[].snapshot]' <<<"$out")"
done
jq -e '.vms[] | select(.name == "bad-3") | .decision == "skip" and
  (.reason | startswith("no-snapshot:"))' >/dev/null <<<"$out" || fail "bad-3 is not refused"

# ---- repair without a helper ----
run bootmend repair 'aws:name=bad-*' "${restore[@]}" --before 2024-07-19T04:00:00Z \
  --progress none
expect_status 3
[[ $(jq -r '.counts | "\(.repaired) \(.skipped)"' <<<"$out") == '2 1' ]] ||
  fail "not two of three: $(jq -c '[.jobs[] | {name, outcome, reason}]' <<<"$out")"
for n in 1 2; do
  [[ $(root_of "i-00000000000000b0$n") != "vol-00000000000000b0$n" ]] ||
    fail "bad-$n has its old disk"
done

# ---- a member of a group: in Standby meanwhile, in service again ----
curl -sf "$url/_fake/calls" | jq -r '[.[]
  | select(.params | tostring | contains("i-00000000000000b02"))
  | .action | select(. == "EnterStandby" or . ==
  "StopInstances" or . == "StartInstances" or . == "ExitStandby")]
  | "\(index("EnterStandby") < index("StopInstances")) \(index("ExitStandby") > index("StartInstances"))"' |
  grep -qx 'true true' || fail 'it was stopped as a member of its group'
exists i-00000000000000b02 || fail 'its group has replaced it'
jq -e '.. | .LifecycleState? == "InService"' "$work/object" >/dev/null || fail 'it is in Standby still'

# ---- release: shown, refused without a word, done; what is attached stays ----
run bootmend release last --dry-run --vm bad-2 --json
expect_status 0
[[ $(jq -r '[.things[] | select(.why == null) | .id] | join(" ")' <<<"$out") == \
  vol-00000000000000b02 ]] || fail "more or less than its old disk: $out"
jq -e '.things[] | select(.role == "copy") | .why == "it is attached"' >/dev/null <<<"$out" ||
  fail "the disk in use might be deleted: $out"
run bootmend release last --vm bad-2 </dev/null
expect_status 2
exists vol-00000000000000b02 || fail 'it was deleted without a word'
run bootmend release last --vm bad-2 --older-than 24h --yes
expect_status 0
exists vol-00000000000000b02 || fail 'it was not old enough'
run bootmend release last --vm bad-2 --yes
expect_status 0
wait_for 20 eval '! exists vol-00000000000000b02' || fail "it is still there: $out"
exists "$(root_of i-00000000000000b02)" || fail 'the disk in use was deleted'
exists vol-00000000000000b01 || fail "another VM's disk was deleted"
[[ $(sqlite3 "$work"/state/*/journal.db \
  "select group_concat(kind, ' ') from event where kind like 'release%'") == 'release released' ]] ||
  fail 'the journal does not know'

# ---- no way back for bad-2, but for bad-1 ----
run bootmend rollback last --json --vm bad-2
((status != 0)) || fail 'it went back to a disk that is gone'
expect_msg 'was released'
run bootmend rollback last --json --vm bad-1 --progress none
expect_status 0
[[ $(root_of i-00000000000000b01) == vol-00000000000000b01 ]] || fail 'its own disk is not back'
# That was meant: it has not failed.
run bootmend retry last --failed
expect_status 1
expect_msg 'no such VM that could be tried again'

# ---- what is left is a copy that nobody uses ----
run bootmend release last --yes --json
expect_status 0
[[ $(jq -r '[.things[] | select(.released) | .role] | join(" ")' <<<"$out") == copy ]] ||
  fail "not the unused copy alone: $out"

# ---- what campaigns left behind whose journal is lost ----
lost=20240101-000000-aaaa
young=$(date -u +%Y%m%d-%H%M%S)-bbbb
ec2() { aws --endpoint-url "$url" --region us-east-1 ec2 "$@"; }
tag() { ec2 create-tags --resources "$1" --tags "Key=bootmend:campaign,Value=$2"; }
tag snap-000000000000b0b01 "$lost"  # nobody's
tag snap-000000000000b0b02 "$young" # perhaps at work elsewhere
tag "$(root_of i-00000000000000b02)" "$lost" # attached
tag i-0000000000000a001 "$lost"              # a mark
# A VM whose disk is off it: what is left of its campaign may be that disk.
torn=20240101-000000-cccc
call() { # ACTION KEY VALUE...
  ec2_control "$(jq -n '{op: "call", region: "us-east-1", form: ({Version: "2016-11-15"}
    + ([$ARGS.positional | _nwise(2) | {(.[0]): .[1]}] | add))}' --args Action "$@")"
}
call StopInstances InstanceId.1 i-00000000000000b03 Force true
is_stopped() {
  ec2_state | jq -e '[.. | objects | select(.instanceId? == "i-00000000000000b03"
    and .instanceState?)][0].instanceState.name == "stopped"' >/dev/null
}
wait_for 20 is_stopped
call DetachVolume VolumeId vol-00000000000000b03
for id in i-00000000000000b03 vol-00000000000000b03; do
  call CreateTags ResourceId.1 "$id" Tag.1.Key bootmend:campaign Tag.1.Value "$torn"
done
run bootmend cleanup 'aws:*'
expect_status 2
expect_msg 'say --orphans'
look() { run bootmend cleanup --orphans 'aws:*' --json "$@"; }
fates() {
  json -r '[.things[] | select(.campaign != null) | "\(.kind) \(.id) \(.why // "goes")"]
    | sort | join("\n")'
}
look
expect_status 0
[[ $(fates) == "disk vol-00000000000000b03 its VM bad-3 has no OS disk: this may be it, or the only copy of it
disk $(root_of i-00000000000000b02) it is attached
mark i-00000000000000b03 the VM has no OS disk: a person must look at it
mark i-0000000000000a001 goes
snapshot snap-000000000000b0b01 goes
snapshot snap-000000000000b0b02 its campaign may still be at work elsewhere: it is not old enough" ]] ||
  fail "$(fates)"
run env COLUMNS=160 bootmend cleanup --orphans 'aws:*'
expect_out '2 of 6 can go; nothing was deleted'
run bootmend cleanup --orphans 'aws:*' --delete </dev/null
expect_status 2
exists snap-000000000000b0b01 || fail 'it was deleted without a word'
look --delete --yes
expect_status 0
[[ $(json '[.things[] | select(.deleted) | .kind] | sort | join(" ")') == 'mark snapshot' ]] ||
  fail "$out"
wait_for 20 eval '! exists snap-000000000000b0b01' || fail 'it is still there'
exists snap-000000000000b0b02 || fail 'the young one was deleted'
look
[[ $(json '.things | length') == 4 ]] || fail "the mark is still there: $out"
# What a campaign with a journal here has made is its own.
own=$(basename "$(dirname "$work"/state/*/journal.db)")
[[ $(fates) != *"$own"* ]] ||
  fail 'what belongs to a known campaign is called lost'
