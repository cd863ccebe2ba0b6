#!/usr/bin/env bash
# One campaign over two accounts and two regions, killed while all VMs are
# stopped: what comes after that finds each VM where it is, whatever the order
# in which they come. No disk is opened.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"

# Names are in the other order than the selections are.
cat >"$work/config.json" <<'END'
{"seed": 5, "speed": 20, "aws": {
  "accounts": {
    "111122223333": {"keys": [{"id": "AKIAONE", "secret": "s3cret/one"}]},
    "444455556666": {"keys": [{"id": "AKIATWO", "secret": "s3cret/two"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]},
              "eu-west-1": {"zones": ["eu-west-1a"]}},
  "instances": [
   {"id": "i-00000000000000b01", "name": "bad-d", "zone": "us-east-1a", "account": "111122223333"},
   {"id": "i-00000000000000b02", "name": "bad-c", "zone": "eu-west-1a", "account": "111122223333"},
   {"id": "i-00000000000000b03", "name": "bad-b", "zone": "us-east-1a", "account": "444455556666"},
   {"id": "i-00000000000000b04", "name": "bad-a", "zone": "eu-west-1a", "account": "444455556666"},
   {"id": "i-00000000000000a01", "name": "h", "zone": "us-east-1a", "account": "111122223333"},
   {"id": "i-00000000000000a02", "name": "h", "zone": "eu-west-1a", "account": "111122223333"},
   {"id": "i-00000000000000a03", "name": "h", "zone": "us-east-1a", "account": "444455556666"},
   {"id": "i-00000000000000a04", "name": "h", "zone": "eu-west-1a", "account": "444455556666"}]}}
END
ec2_start "$work/config.json"
touch "$work/aws.config"
chmod 600 "$work/aws.config" # it holds keys
cat >"$work/aws.config" <<'END'
[profile one]
aws_access_key_id = AKIAONE
aws_secret_access_key = s3cret/one
region = us-east-1
[profile two]
aws_access_key_id = AKIATWO
aws_secret_access_key = s3cret/two
region = us-east-1
END
unset AWS_ACCESS_KEY_ID AWS_SECRET_ACCESS_KEY AWS_REGION
export AWS_CONFIG_FILE=$work/aws.config BOOTMEND_STATE_DIR=$work/state
mkdir "$work/dev"
helpers=()
for n in 1 2 3 4; do helpers+=(--helper "i-00000000000000a0$n=local,devices=$work/dev"); done
# "profile=one" alone is us-east-1, too: the same place in other words.
words=('aws:profile=one,name=bad-*' 'aws:profile=one,region=us-east-1,name=bad-*'
  'aws:profile=one,region=eu-west-1,name=bad-*'
  'aws:profile=two,name=bad-*' 'aws:profile=two,region=eu-west-1,name=bad-*')
options=(--recipe crowdstrike-291 --health none --include-healthy --aws-settle 1s)

vms() { # FIELD: that of the four, in their order
  ec2_state | jq -c "[.. | objects | select(.instanceId? and .instanceState?
    and (.instanceId | test(\"b0[1-4]\$\")))] | sort_by(.instanceId) | map($1)"
}
marks='[.tagSet[]? | select(.key == "bootmend:campaign")] | length'

# ---- a plan, and what is made of it ----
run bootmend plan "${words[@]}" "${options[@]}" "${helpers[@]}" --json
expect_status 0
printf "%s\n" "$out" >"$work/plan.json"
[[ $(jq -c '[.vms[].vm | .name + " " + .account[0:1] + " " + .region]' <<<"$out") == \
  '["bad-a 4 eu-west-1","bad-b 4 us-east-1","bad-c 1 eu-west-1","bad-d 1 us-east-1"]' ]] ||
  fail "these are other VMs: $out"

bootmend repair --plan "$work/plan.json" >"$work/repair.out" 2>&1 &
pid=$!
for ((i = 0; i < 300; i++)); do
  [[ $(vms .instanceState.name) == '["stopped","stopped","stopped","stopped"]' ]] && break
  kill -0 "$pid" || fail "it has ended: $(cat "$work/repair.out")"
  sleep 0.2
done
((i < 300)) || fail "they are never stopped: $(vms .instanceState.name)"
kill -9 "$pid"
wait "$pid" 2>/dev/null || true
[[ $(vms "$marks") == '[1,1,1,1]' ]] || fail "not all are marked: $(vms "$marks")"

# ---- each is found where it is ----
run bootmend rollback last
expect_status 0
[[ $(vms .instanceState.name) == '["running","running","running","running"]' ]] ||
  fail "not all run again: $(vms .instanceState.name)"
[[ $(vms "$marks") == '[0,0,0,0]' ]] || fail "marks are left: $(vms "$marks")"

# ---- a profile that leads elsewhere by now is not followed ----
sed -i 's/AKIATWO/AKIAONE/; s#s3cret/two#s3cret/one#' "$work/aws.config"
run bootmend rollback last
expect_status 2
expect_msg "444455556666"
