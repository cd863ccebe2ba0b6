#!/usr/bin/env bash
# What must be known before the first stop, in a campaign over HTTP against the
# fake EC2: every refusal by its name, in plan and in repair; and a permission
# that is missing, named before anything is touched. No disk is opened.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"

# CODE and what makes an instance deserve it; each is called by its code.
fleet() {
  local n=10 code members
  while read -r code members; do
    ((++n))
    cat <<END
   {"id": "i-000000000000000$n", "name": "bad-$code", "zone": "us-east-1a"$members},
END
  done <<'END'
none
instance-store-root , "root_type": "instance-store"
instance-store-data , "type": "m5d.large"
marketplace-code , "product_codes": ["abc"]
auto-scaling , "asg": "shop"
spot , "lifecycle": "spot"
capacity-block , "lifecycle": "capacity-block"
aws-managed , "managed": true
unlimited-on-host , "type": "t3.large", "tenancy": "host", "cpu_credits": "unlimited"
volume-modification , "root": {"id": "vol-0000000000000c001", "modification": {"volumeId": "vol-0000000000000c001", "modificationState": "modifying"}}
key-unusable , "root": {"encrypted": true, "kms_key": "arn:aws:kms:us-east-1:111122223333:key/1", "key_unusable": true}
stop-protection , "disable_api_stop": true
shutdown-terminates , "shutdown_behavior": "terminate"
END
}
helper="i-0000000000000a001"
{
  cat <<END
{"seed": 5, "speed": 50, "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"},
             {"id": "AKIALESS", "secret": "g00d/secret+key",
              "deny": ["ec2:DetachVolume", "ec2:StartInstances"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a", "us-east-1b"]}},
  "groups": [{"name": "shop", "region": "us-east-1"}],
  "instances": [
END
  fleet
  cat <<END
   {"id": "i-0000000000000b001", "name": "bad-no-helper", "zone": "us-east-1b"},
   {"id": "i-0000000000000a002", "name": "marked", "zone": "us-east-1a",
    "tags": {"bootmend:campaign": "20240101-000000-aaaa"}},
   {"id": "$helper", "name": "helper-a", "zone": "us-east-1a"}]}}
END
} >"$work/config.json"
ec2_start "$work/config.json"
calls() { # with an effect: action, and whether it was only asked for
  curl -sf "$url/_fake/calls" | jq -r '.[] | select(.action
    | test("^(Describe|Get|List)") | not)
    | .action + (if .params.DryRun then " dry" else "" end)'
}
changes() { calls | grep -v ' dry$' || true; }

all=(--recipe crowdstrike-291 --include-healthy --health none)

# ---- plan: each refusal under its name ----
codes=$(fleet | grep -o 'bad-[a-z-]*' | cut -c 5- | grep -v '^none$')
run bootmend plan 'aws:name=bad-*' "${all[@]}" --aws-check-shutdown --json
for code in $codes; do
  jq -e --arg code "$code" '.vms[] | select(.name == "bad-" + $code)
     | .decision == "skip" and (.reason | startswith($code + ":"))' >/dev/null <<<"$out" ||
    fail "$code: $(jq -c --arg n "bad-$code" '.vms[] | select(.name == $n) | [.decision, .reason]' <<<"$out")"
done
[[ $(jq -r '.vms[] | select(.name == "bad-none").decision' <<<"$out") == repair ]] ||
  fail "the VM that nothing speaks against is not planned: $out"

# ---- what may be allowed is; what may not, stays refused ----
run bootmend plan 'aws:name=bad-*' "${all[@]}" --aws-check-shutdown --json \
  --allow instance-store-data --allow spot --allow volume-modification \
  --allow shutdown-terminates --allow stop-protection --allow marketplace-code
for code in instance-store-data spot volume-modification shutdown-terminates; do
  [[ $(jq -r --arg n "bad-$code" '.vms[] | select(.name == $n).decision' <<<"$out") == repair ]] ||
    fail "$code was allowed, and is refused"
done
for code in stop-protection marketplace-code; do
  [[ $(jq -r --arg n "bad-$code" '.vms[] | select(.name == $n).decision' <<<"$out") == skip ]] ||
    fail "$code can't be allowed, and is"
done
[[ -z $(changes) ]] || fail "a plan changed something: $(changes)"

# ---- a permission that is missing: named, and nothing was stopped ----
AWS_ACCESS_KEY_ID=AKIALESS run bootmend repair 'aws:name=bad-none' \
  "${all[@]}" --helper "$helper=local"
((status != 0)) || fail 'it went on without permissions'
expect_msg 'ec2:DetachVolume'
expect_msg 'ec2:StartInstances'
expect_msg 'bootmend policy aws --strategy move'
[[ -z $(changes) ]] || fail "something was changed without permission: $(changes)"
for action in StopInstances CreateTags CreateSnapshot AttachVolume; do
  [[ $(calls | grep -c "^$action dry$") == [12] ]] || fail "$action was not asked for in advance"
done

# ---- repair: the same refusals, and one that needs helpers to be known ----
run bootmend repair 'aws:name=bad-[!n]*' 'aws:name=bad-no-helper' "${all[@]}" --json \
  --aws-check-shutdown --helper "$helper=local"
expect_status 1
for code in $codes no-helper; do
  jq -e --arg code "$code" '.jobs[] | select(.name == "bad-" + $code)
     | .outcome == "skipped" and (.reason | startswith($code + ":"))' >/dev/null <<<"$out" ||
    fail "$code: $(jq -c --arg n "bad-$code" '.jobs[] | select(.name == $n) | [.outcome, .reason]' <<<"$out")"
done
[[ -z $(changes) ]] || fail "refused VMs were changed: $(changes)"

# ---- a helper is not stopped for its own repair; nor is a VM in work one ----
both=(aws:i-00000000000000011 "aws:$helper")
run bootmend plan "${both[@]}" "${all[@]}" --json --helper "$helper=local"
[[ $(json '.vms[] | select(.name == "helper-a") | "\(.decision) \(.reason | split(":")[0])"') == \
  'skip is-helper' ]] || fail "the helper would be repaired: $out"
run bootmend repair "aws:$helper" "${all[@]}" --json --helper "$helper=local"
expect_status 1
[[ $(json '.jobs[] | "\(.outcome) \(.reason | split(":")[0])"') == 'skipped is-helper' ]] || fail "$out"
run bootmend repair 'aws:name=bad-none' "${all[@]}" --helper i-0000000000000a002=local
expect_status 2
expect_msg "helper 'i-0000000000000a002' carries the mark of campaign 20240101-000000-aaaa"
[[ -z $(changes) ]] || fail "a helper was changed: $(changes)"
