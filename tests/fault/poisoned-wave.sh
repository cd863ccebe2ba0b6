#!/usr/bin/env bash
# Wave 2 holds VMs that the repair does not bring back, because their disks miss
# a boot file too. The campaign halts; the VMs of wave 3 are never touched; the
# report says why, VM by VM; rollback gives wave 2 its disks back to the byte.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/fleet/lib.sh"

prefix=wave
fleet_up --bad 3 --poisoned 2
canary=$prefix-bad-1
wave2=("$prefix-poisoned-1" "$prefix-poisoned-2")
wave3=("$prefix-bad-2" "$prefix-bad-3")
waves=(--order "$canary" --order "$prefix-poisoned-*" --wave '1,2,rest'
  --verify-limit 15s)

# ---- the plan shows the waves ----
run bootmend plan "libvirt:$prefix-*" --recipe crowdstrike-291 \
  --health 'serial:BOOT OK' --shutdown-limit 0 "${waves[@]}" --quiet \
  --out plan.json
expect_status 0
[[ $(jq -r '[.vms[] | "\(.name)=\(.wave)"] | join(" ")' plan.json) == \
"$canary=1 ${wave2[0]}=2 ${wave2[1]}=2 ${wave3[0]}=3 ${wave3[1]}=3" ]] ||
  fail "the plan's waves: $(jq -c '.vms[] | {name, wave}' plan.json)"

# ---- the campaign halts ----
run bootmend repair --plan plan.json --quiet
expect_status 4
expect_msg 'is halted: wave 2: '
expect_msg 'of 2 VMs failed, 0 may'
expect_msg '--continue'
check_repaired "$canary"
for vm in "${wave3[@]}"; do
  check_as_before "$vm"
done
run bootmend report --json
[[ $(json '[.jobs[] | select(.wave == 3) | .outcome] | unique | join(" ")') == \
open ]] || fail 'wave 3 is not waiting'
[[ $(json '[.jobs[] | select(.wave == 3) | .before // empty] | length') == 0 ]]
[[ $(json '.halt.kind') == failures ]] || fail 'the report does not say why'
run bootmend report
for vm in "${wave2[@]}"; do
  expect_out "$vm: repaired-unproven"
done
expect_out 'boot file missing'
run bootmend status
expect_out 'Halted   wave 2: '
expect_out 'Wave 3'
run bootmend list
expect_out halted

# ---- without a word it does not go on ----
run bootmend resume --quiet
expect_status 4
expect_msg 'retry --failed'
for vm in "${wave3[@]}"; do
  check_as_before "$vm"
done

# ---- rollback of wave 2 ----
run bootmend rollback --vm "$prefix-poisoned-*" --quiet
expect_status 0
for vm in "${wave2[@]}"; do
  [[ $(sha256sum <"$fleet/$vm.img") == \
"$(sha256sum <"$work/pristine/$vm.img")" ]] || fail "$vm: its disk differs"
  check_as_before "$vm"
done
check_repaired "$canary"
