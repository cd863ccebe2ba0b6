#!/usr/bin/env bash
# A campaign over three places (two accounts, one of them by a role, and two
# regions) with the real program over HTTP: how VMs are selected, paged; calls
# that are throttled; the controller killed in the middle and resumed; a start
# that falls back; a VM that was off stays off; evidence; report; the way back.
# The agent is a fake that opens no disk: what its work is worth, the fake EC2
# is told by rules.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires sqlite3
[[ -x $build_dir/tests/unit/fake-agent ]] || skip 'no fake-agent in this build'
export BOOTMEND_AGENT=$build_dir/tests/unit/fake-agent BOOTMEND_FAKE_UNDOES=1

# ---- the fleet ----
mkdir images devices
vm() { # ID NAME ZONE BOOTS MORE
  truncate -s 1G "$work/$1.img"
  cat <<END
   {"id": "i-$1", "name": "$2", "zone": "$3", "platform": "windows",
    "root": {"id": "vol-$1", "image": "$work/$1.img", "size": 1, "boots": $4}$5},
END
}
prod=', "tags": {"env": "prod"}' bank=', "account": "444455556666"'
zero=0000000000000
role=arn:aws:iam::444455556666:role/repair
{
  cat <<END
{"seed": 5, "speed": 20, "page_size": 5,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "aws": {
  "accounts": {
   "111122223333": {"keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]},
   "444455556666": {"keys": [{"id": "AKIABANK", "secret": "other/secret"}],
    "roles": [{"arn": "$role", "trust": ["arn:aws:iam::111122223333:*"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]},
              "eu-west-1": {"zones": ["eu-west-1a"]}},
  "instances": [
END
  vm ${zero}b001 bad-1 us-east-1a false "$prod"
  vm ${zero}b002 bad-2 us-east-1a false "$prod"
  vm ${zero}b003 off us-east-1a false "$prod, \"state\": \"stopped\""
  vm ${zero}b004 falls us-east-1a false "$prod, \"type\": \"m5.xlarge\""
  for n in 1 2 3 4 5 6 7; do
    vm ${zero}e00$n "fine-$n" us-east-1a true ', "vpc": "vpc-0000000000000000f"'
  done
  vm ${zero}c001 bad-eu eu-west-1a false ''
  vm ${zero}d001 bad-bank eu-west-1a false "$bank, \"vpc\": \"vpc-0000000000000000d\""
  cat <<END
   {"id": "i-${zero}a003", "name": "helper-c", "zone": "eu-west-1a"$bank},
   {"id": "i-${zero}a002", "name": "helper-b", "zone": "eu-west-1a"},
   {"id": "i-${zero}a001", "name": "helper-a", "zone": "us-east-1a"}]}}
END
} >config.json
ec2_start "$work/config.json"
cat >aws-config <<END
[profile bank]
role_arn = $role
source_profile = base
region = eu-west-1
[profile base]
aws_access_key_id = AKIAGOOD
aws_secret_access_key = g00d/secret+key
END
chmod 600 aws-config
export AWS_CONFIG_FILE=$work/aws-config
helpers=()
for n in 1 2 3; do
  mkdir -p dev-$n/disk
  ln -s "$work/devices/i-${zero}a00$n" dev-$n/disk/by-id
  helpers+=(--helper "i-${zero}a00$n=local,devices=$work/dev-$n")
done
recipe=(--recipe crowdstrike-291)

# ---- selection ----
names() { # NAMES, then words: what a plan of them is about
  run bootmend plan "${@:2}" "${recipe[@]}" --json
  expect_status 0
  [[ $(jq -r '[.vms[].vm.name] | join(" ")' <<<"$out") == "$1" ]] ||
    fail "${*:2}: $(jq -r '[.vms[].vm.name] | join(" ")' <<<"$out"), expected $1"
}
printf 'i-%s\t' ${zero}b001 ${zero}b002 >ids.txt
printf 'aws:@ids.txt\naws:profile=bank,region=eu-west-1,*,!name=helper-*\n' >fleet.txt
names 'bad-1 bad-2' aws:i-${zero}b001,i-${zero}b002
names 'bad-1 bad-2' aws:@ids.txt
names 'bad-1 bad-2 bad-bank' @fleet.txt
names 'bad-1 bad-2 falls off' 'aws:tag:env=prod'
names 'bad-1 bad-2 falls' 'aws:*,impaired'
names 'fine-1 fine-2 fine-3 fine-4 fine-5 fine-6 fine-7' aws:vpc=vpc-0000000000000000f
names 'bad-eu' 'aws:region=eu-west-1,name=bad-*'
names 'bad-bank' 'aws:profile=bank,region=eu-west-1,vpc=vpc-0000000000000000d'
status=0
out=$(bootmend plan 'aws:@-,!name=bad-2' "${recipe[@]}" --json <ids.txt)
[[ $(jq -r '.vms[].vm.name' <<<"$out") == bad-1 ]] || fail "stdin: $out"
[[ -z $(ec2_changes) ]] || fail 'a plan changed something'

# ---- repair; the agent's work shows when the disk leaves its helper ----
for id in b001 b002 b003 b004 c001 d001; do
  ec2_control '{"op": "fault", "rule": {"action": "DetachVolume", "id": "vol-'$zero$id'",
    "skip": 1, "times": 1, "what": "change", "when": "after", "control":
    {"op": "set", "id": "vol-'$zero$id'", "body": {"_boots": true}}}}'
done
ec2_control '{"op": "fault", "rule": {"action": "StartInstances", "id": "i-'${zero}b004'",
  "times": 1, "what": "late-failure"}}'
ec2_control '{"op": "fault", "rule": {"action": "*", "every": 25, "times": 3, "what": "throttle"}}'
ec2_state >before.json
before=$(ec2_count true)
bootmend repair aws:@ids.txt 'aws:name=off,tag:env=prod' aws:name=falls 'aws:region=eu-west-1,name=bad-*' \
  'aws:profile=bank,region=eu-west-1,name=bad-*' "${recipe[@]}" "${helpers[@]}" --health status --start-limit 12s --aws-settle 1s --progress plain \
  >first.out 2>first.msg &
controller=$!
journal() { sqlite3 "$BOOTMEND_STATE_DIR"/2*/journal.db "$1" 2>/dev/null; }
midway() { [[ $(journal "SELECT count(*) > 2 FROM step WHERE step = 'attach-helper'") == 1 ]]; }
wait_for 90 midway || fail "it never came to the helpers: $(cat first.msg)"
kill -9 $controller
wait $controller 2>/dev/null || true
run bootmend report --json
json '.counts.open' >open.txt
((--$(<open.txt) + 2 > 0)) || fail 'it was killed too late'
run bootmend resume --json
expect_status 3
outcomes=$(json '[.jobs[] | .name + "=" + .outcome] | join(" ")')
[[ $outcomes == 'bad-1=repaired bad-2=repaired bad-bank=repaired bad-eu=repaired falls=failed-restored off=repaired-unproven' ]] ||
  fail "outcomes: $outcomes"
[[ $(json '.jobs[] | select(.name == "falls").reason') == *start* ]] ||
  fail "$(json '.jobs[] | select(.name == "falls").reason')"
state() { ec2_state | jq -r --arg n "i-$zero$1" '.objects | .. | objects | select(.instanceId? == $n and .instanceState?) | .instanceState.name'; }
[[ $(state b003) == stopped ]] || fail 'the VM that was off is on'
[[ $(state b001) == running ]] || fail 'a repaired VM does not run'
settled() { # the VMs that are well again, and their volumes, without what must change
  jq -S '[.objects[][] | select(.instanceState? or .attachmentSet?)
          | select((.instanceId // .volumeId) | test("b004$|a00[123]$") | not)]
         | sort_by(.instanceId // .volumeId)
         | walk(if type == "object" then with_entries(select(.key
             | (startswith("_") or . == "attachTime" or . == "launchTime" or
                . == "reason" or . == "stateReason" or . == "instanceStatus") | not)) else . end)' "$1"
}
ec2_state >after.json
settled before.json >before.txt
settled after.json >after.txt
(($(wc -l <before.txt) > 100)) || fail 'the state is not what it was thought to be'
diff -u before.txt after.txt || fail 'what is repaired is not as it was'

# ---- evidence and report ----
evidence=$(echo "$BOOTMEND_STATE_DIR"/2*/evidence/1)
for kind in console screenshot; do
  (($(find "$evidence" -size +0 -name "*$kind*" -o -size +0 -name '*screen*' | wc -l) > 0)) ||
    fail "no $kind of bad-1 in $evidence: $(ls "$evidence")"
done
calls=$(json '.calls.calls')
seen=$(($(ec2_count '.service == "ec2"') - before))
((calls > seen / 2 && calls <= seen + 60)) || fail "report says $calls calls, the cloud saw $seen"
(($(json '.calls.throttled') > 0)) || fail 'no throttled calls in the report'
[[ $(json '[.helpers[].vms] | add') == 6 ]] || fail "helpers: $(json '.helpers')"
run bootmend report
expect_out 'ACTION'
expect_out 'AttachVolume'
expect_out 'throttled'
COLUMNS=40 run bootmend report
(($(tail -n +4 <<<"$out" | sed -n '/^ACTION/,$p' | awk '{ if (length > n) n = length } END { print n + 0 }') <= 40)) ||
  fail 'the table of calls is wider than the terminal'

# ---- the way back ----
run bootmend rollback last --vm bad-1 --progress none
expect_status 0
expect_out failed-restored
[[ $(state b001) == running ]] || fail 'what ran before does not run after the way back'
