#!/usr/bin/env bash
# A campaign over VMs with encrypted disks: a missing key is an outcome of its
# VM, `keys missing` says which, and a resumed campaign picks the keys up.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-bitlocker.sh"
. "$source_dir/tests/fleet/lib.sh"
crypt_make
prefix=crypt
guid=03020100-0504-0706-0809-0A0B0C0D0008

fleet_up --bad 1
vm=$prefix-bad-1
virsh_ destroy "$vm" >/dev/null
cp --sparse=always "$crypt_dir/made.raw" "$fleet/$vm.img"
before=$(sha256sum <"$fleet/$vm.img")
virsh_ start "$vm" >/dev/null

### no key: given back as it was, and no failure that halts anything
header=vm,vm_id,computer,volume,type,protector_guid,key
printf '%s\n' "$header" ",,,,,11111111-${guid#*-},$made_recovery" >keys.csv
run bootmend repair "libvirt:$vm" -r crowdstrike-291 --health none --keys keys.csv \
  --shutdown-limit 0 --max-failures 0 --progress none --json
expect_status 1
[[ $(json '.jobs[0].outcome') == failed-restored ]] || fail "$out"
[[ $(json '.jobs[0].repair.refusal') == key-missing ]] || fail "$out"
[[ $(sha256sum <"$fleet/$vm.img") == "$before" ]] || fail "the disk was changed"
[[ $(power "$vm") == running ]] || fail "it does not run any more"

### which keys to get
run bootmend keys missing --json
expect_status 0
[[ $(json '.vms[0] | "\(.name) \(.code) \(.volumes[0].protectors[0].guid)"') == \
  "$vm key-missing $guid" ]] || fail "$out"
run bootmend keys missing
expect_out "$guid"
run bootmend keys missing --csv
printf '%s\n' "$out" >list.csv
expect_out "$header"

### the list is filled in; once with a typing error
if [[ -n ${BOOTMEND_TEST_LONG:-} ]]; then
  sed "s/\($guid\",\)/\1${made_recovery/000033/000034}/" list.csv >bad.csv
  run bootmend resume --keys bad.csv --progress none --json
  [[ $(json '.jobs[0].repair.refusal') == key-wrong ]] || fail "$out"
  [[ $(json '.jobs[0].reason') == *'block 3 of the recovery password is mistyped'* ]] ||
    fail "$out"
fi

### a resume picks up what its own list has by now, and touches nothing before
entries() { bootmend audit show --json | jq '[.entries[].entry | select(.table == "step")] | length'; }
if [[ -z ${BOOTMEND_TEST_LONG:-} ]]; then
  steps=$(entries)
  run bootmend resume --progress none --json
  [[ $(entries) == "$steps" ]] || fail "a VM without a key was touched once more"
  [[ $(json '.jobs[0].repair.refusal') == key-missing ]] || fail "$out"
  sed "s/\($guid\",\)/\1$made_recovery/" list.csv >keys.csv
  run bootmend resume --progress none --json
else
  sed "s/\($guid\",\)/\1$made_recovery/" list.csv >good.csv
  run bootmend resume --keys good.csv --progress none --json
fi
[[ $(json '.jobs[0].outcome') == repaired-unproven ]] || fail "$out$msg"
run bootmend keys missing
expect_out 'No VM of this campaign waits for a key'

### back again, and no key anywhere
run bootmend rollback --progress none
expect_status 0
[[ $(sha256sum <"$fleet/$vm.img") == "$before" ]] || fail "it is not as before"
! grep -rqa "$made_recovery" "$BOOTMEND_STATE_DIR" ||
  fail "a key is in $(grep -rla "$made_recovery" "$BOOTMEND_STATE_DIR")"
