#!/usr/bin/env bash
# A campaign's words as whole processes, over HTTP and without disks: reboots
# first, soak, approval by a person and by a program, a halt that drains, go on,
# retry, and release by age. (The simulation has them all; this has the processes,
# the files between them, and what they say.)
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"

patient() { # NAME N BOOTS: its snapshot boots or does not
  cat <<END
   {"id": "i-00000000000000b0$2", "name": "$1", "zone": "us-east-1a",
    "root": {"id": "vol-00000000000000b0$2", "size": 8, "boots": false, "snapshots": [
     {"id": "snap-00000000000000b0$2", "start_time": "2024-07-18T00:00:00.000Z",
      "boots": $3}]}},
END
}
{
  cat <<END
{"seed": 5, "speed": 100, "latency_ms": [1, 5], "aws": {
  "accounts": {"111122223333": {"keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "instances": [
END
  patient a-1 1 true
  patient a-2 2 true
  patient a-3 3 true
  patient b-1 4 false
  patient b-2 5 true
  patient b-3 6 true
  cat <<END
   {"id": "i-0000000000000a001", "name": "other", "zone": "us-east-1a"}]}}
END
} >config.json
ec2_start config.json
words=(--strategy restore --before 2024-07-19T04:00:00Z --health status
  --aws-settle 300ms --progress none)
expect_outcomes() { # "NAME=OUTCOME ...", of the last campaign
  run bootmend report --json
  [[ $(json '[.jobs[] | "\(.name)=\(.outcome)"] | sort | join(" ")') == "$1" ]] ||
    fail "expected $1"
}
waits_for() { # WAVE
  [[ $(bootmend status --json 2>/dev/null | jq -r '.waits.wave // 0') == "$1" ]]
}
ended() { # PID STATUS FILE: of a campaign in another terminal
  local code=0
  wait "$1" || code=$?
  out=$(<"$3.out") msg=$(<"$3.msg")
  ((code == $2)) || fail "exit status $code, expected $2"
}
took() { # NAME STEP: seconds between its intent and its end, in the last report
  # shellcheck disable=SC2016 # jq's own
  json --arg name "$1" --arg step "$2" '.jobs[] | select(.name == $name)
    | [.steps[] | select(.step == $step) | .at | sub("\\.[0-9]+"; "") | fromdate]
    | last - first'
}
root_of() { # N
  ec2_state | jq -r --arg id "i-00000000000000b0$1" '[.. | objects
    | select(.instanceId? == $id and .instanceState?)][0]
    | .blockDeviceMapping[0].ebs.volumeId'
}

# ---- words that name no program ----
run bootmend repair 'aws:name=b-*' "${words[@]}" --wave 1 --approve-command 'yes --please'
expect_status 2
expect_msg 'started without a shell'
run bootmend repair 'aws:name=b-*' "${words[@]}" --notify-command no-such-program
expect_status 2
expect_msg 'there is no such program'
run bootmend list --json
[[ $(json '.campaigns | length') == 0 ]] || fail 'a campaign was begun'

# ---- A: reboots first, soak, a program that approves (in its own terminal) ----
# a-1 comes up at its reboot.
ec2_control '{"op": "fault", "rule": {"action": "StartInstances",
  "id": "i-00000000000000b01", "times": 9, "what": "change",
  "control": {"op": "set", "id": "vol-00000000000000b01", "body": {"_boots": true}}}}'
cat >decide <<'END'
#!/bin/sh
echo "$BOOTMEND_CAMPAIGN $BOOTMEND_WAVE" >>"$(dirname "$0")/asked"
[ "$BOOTMEND_WAVE" = 1 ] || [ -e "$(dirname "$0")/yes" ]
END
chmod +x decide
BOOTMEND_STATE_DIR=$work/state-a bootmend repair 'aws:name=a-*' "${words[@]}" \
  --order a-1 --order a-2 --wave 2,rest --reboot-first 1 --soak 2s \
  --approve-command "$work/decide" --verify-limit 3s >a.out 2>a.msg </dev/null &
a=$!

# ---- B: a person approves; the wave fails; what is in work goes back ----
# b-1's snapshot does not boot either; b-2's copy takes very long.
ec2_control '{"op": "fault", "rule": {"action": "CreateVolume", "times": 9,
  "id": "snap-00000000000000b05", "what": "slow-change", "delay_ms": 9000000}}'
cat >tell <<'END'
#!/bin/sh
echo "$BOOTMEND_EVENT" >>"$(dirname "$0")/told"
END
chmod +x tell
bootmend repair 'aws:name=b-*' "${words[@]}" --wave 2,rest --approve --on-halt drain \
  --verify-limit 8s --notify-command ./tell >b.out 2>b.msg </dev/null &
b=$!
wait_for 60 waits_for 1 || fail "it waits for nobody: $(cat b.msg)"
SSH_CONNECTION='192.0.2.7 4711 192.0.2.1 22' run bootmend approve
expect_status 0
expect_out 'Wave 1 of campaign'

# ---- A's first wave has ended; its program does not want the second ----
export BOOTMEND_STATE_DIR=$work/state-a
ended "$a" 4 a
expect_msg "is halted: wave 2 was not approved: $work/decide: exit status 1"
expect_msg 'asks again'
expect_outcomes 'a-1=recovered a-2=repaired a-3=open'
[[ $(json '.jobs[0].reason') == 'it came up after 1 reboot; '* ]] || fail "$out"
run bootmend status
expect_out ', halted: '
run bootmend report --steps last --json
(($(took a-2 soak) >= 2)) || fail "the soak took $(took a-2 soak) s"
touch yes
bootmend resume --progress none >a.out 2>a.msg </dev/null &
a=$!
export BOOTMEND_STATE_DIR=$work/state

# ---- B is halted: b-2 is as it was, and has no outcome ----
ended "$b" 4 b
expect_msg 'is halted: wave 1: 1 of 2 VMs failed, 0 may'
expect_outcomes 'b-1=repaired-unproven b-2=open b-3=open'
[[ $(root_of 5) == vol-00000000000000b05 ]] || fail "b-2 has another disk"
run bootmend release --dry-run
expect_out 'original vol-00000000000000b04  8 GiB  stays: its VM did not prove that it boots'
run bootmend release --dry-run --vm b-1
expect_out 'original vol-00000000000000b04  8 GiB  to be deleted'
run bootmend status
expect_out 'Halted   wave 1: 1 of 2 VMs failed, 0 may'
[[ $(sort -u told | tr '\n' ' ') == 'approval-wanted approved campaign-begun '\
'campaign-finished campaign-halted '* ]] || fail "told: $(cat told)"
run bootmend resume --progress none
expect_status 4
expect_msg 'retry'

# ---- what does not boot is mended by hand, and its proof asked for again ----
ec2_control '{"op": "clear-faults"}'
ec2_control '{"op": "set", "id": "'"$(root_of 4)"'", "body": {"_boots": true}}'
ec2_control '{"op": "set", "id": "i-00000000000000b04", "body": {"_boots": true, "_status": "ok"}}'
bootmend retry --failed --progress none >b.out 2>b.msg </dev/null &
b=$!
wait_for 60 waits_for 2 || fail "it waits for nobody: $(cat b.msg)"
run bootmend approve last 2
expect_status 0
ended "$b" 0 b
expect_outcomes 'b-1=repaired b-2=repaired b-3=repaired'

# ---- release by age: b-3 has ended only just now ----
run bootmend release --older-than 1h --yes
expect_status 0
[[ $(grep -c 'stays: it is not that old' <<<"$out") == 7 ]] || fail 'not all stay'
run bootmend release --older-than 2s --yes
expect_status 0
expect_out 'original vol-00000000000000b04  8 GiB  deleted'
expect_out 'stays: it is attached'

# ---- who said what, in the record ----
run env COLUMNS=200 bootmend audit show
for said in 'approved: wave 1 by ' 'halted: wave 1: 1 of 2 VMs failed, 0 may' \
  'continued by ' 'approved: wave 2 by ' 'released by '; do
  expect_out "$said"
done
[[ $(grep -c ' from 192.0.2.7' <<<"$out") == 1 ]] || fail "who approved, and from where: $out"

# ---- A went on ----
export BOOTMEND_STATE_DIR=$work/state-a
ended "$a" 0 a
expect_outcomes 'a-1=recovered a-2=repaired a-3=repaired'
[[ $(cut -d' ' -f2 asked | tr '\n' ' ') == '1 2 2 ' ]] || fail "asked: $(cat asked)"
for folder in state state-a; do
  BOOTMEND_STATE_DIR=$work/$folder run bootmend audit verify
  expect_status 0
done
