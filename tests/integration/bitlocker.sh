#!/usr/bin/env bash
# Encrypted disks, many in one appliance: what is said of them without a key,
# report, repair, nothing left to repair, and back to the byte; what stays
# closed is refused by name and not touched.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-bitlocker.sh"
. "$source_dir/tests/integration/lib-batch.sh"
crypt_make

windows=(made clear)
refused=(tpm:tpm-only)
declare -A key
key[made]="{\"key\": \"$made_recovery\"}"
key[luks2]="{\"key\": \"$luks_pass\n\"}"
key[luks1]='{"key_base64": "YQBiCg=="}'
if crypt_genuine; then
  windows+=(xts xts-new win11 damaged)
  [[ -z ${BOOTMEND_TEST_LONG:-} ]] || windows+=(cbc4k elephant)
  refused+=(eow:half-encrypted half:half-encrypted version:unknown-encryption)
  key[xts]="{\"key\": \"$xts_recovery\", \"protector\": \"$xts_guid\"}"
  key[xts-new]=${key[xts]} key[damaged]=${key[xts]}
  key[cbc4k]="{\"key\": \"$crypt_password\"}"
  key[elephant]=${key[cbc4k]} key[eow]=${key[cbc4k]}
  key[win11]="{\"key_base64\": \"$(base64 -w0 "$crypt_dir/$win11_bek")\"}"
fi
linux=(luks2 luks1)
names=("${windows[@]}" "${linux[@]}")

write='{"format": 1, "name": "w", "version": 1, "title": "W",
  "description": "For tests.", "os": "linux",
  "match": [{"id": "old", "path": "/etc/app/old.conf", "kind": "file"}],
  "actions": [{"action": "rename", "of": "old", "to": "older.conf"}],
  "check": [{"check": "absent", "of": "old"}]}'

add() { # MODE NAME [KEY]
  local k=${3-${key[$2]-}} more
  more="\"keys\": [${k}]"
  [[ " ${linux[*]} " == *" $2 "* ]] && more+=", \"recipe\": $write"
  work_add "$2" "$1" "$work/disks/$2.raw" "{$more}"
}

for name in "${names[@]}" "${refused[@]%:*}"; do crypt_image "$name"; done
hashes >"$work/before"

### without a key: what would open it; keys that are wrong; a report with the
### right ones; and nothing is touched
for name in "${names[@]}" "${refused[@]%:*}"; do add inspect "$name" ''; done
work_add made-bad report "$work/disks/made.raw" \
  "{\"keys\": [{\"key\": \"${made_recovery/000033/000034}\"}]}"
work_add luks2-bad report "$work/disks/luks2.raw" '{"keys": [{"key": "wrong"}]}'
work_add made-good report "$work/disks/made.raw" "{\"keys\": [${key[made]}]}"
batch
expect made '.disk.volumes[0].bitlocker.protectors | map (.type) | join (" ")' \
  'recovery-password password startup-key tpm'
expect made .disk.would_refuse key-missing
expect made '.keys_missing[0].protectors[0].guid' \
  03020100-0504-0706-0809-0A0B0C0D0008
expect clear .os.type windows
expect clear '.disk.volumes[0].bitlocker | .suspended, .unlocked' $'true\ntrue'
expect luks1 '.disk.volumes[0].luks.version' 1
expect luks2 .disk.would_refuse key-missing
for pair in "${refused[@]}"; do
  expect "${pair%:*}" .disk.would_refuse "${pair#*:}"
done
if crypt_genuine; then
  expect xts '.disk.volumes[0].bitlocker | .method, .state, .unlocked' \
    $'AES-XTS 128\nencrypted\nfalse'
  result xts '.notes[0]' | grep -q "recovery-password $xts_guid" ||
    fail "the protector that would help is not named"
  expect win11 '.disk.volumes[0].bitlocker.protectors[2].type' startup-key
fi
expect made-bad .refusal key-wrong
result made-bad .reason | grep -q 'block 3 of the recovery password is mistyped' ||
  fail "the mistyped block is not named"
expect luks2-bad .refusal key-wrong
expect made-good .outcome needed
expect made-good '.os.volume' 'partition 1 (unlocked)'
hashes | diff "$work/before" - || fail "a look changed a disk"

### apply
for name in "${names[@]}" "${refused[@]%:*}"; do add apply "$name"; done
batch
for name in "${names[@]}"; do expect "$name" .outcome repaired; done
expect made '.unlocked | map (.by) | join (" ")' \
  'recovery-password 03020100-0504-0706-0809-0A0B0C0D0008'
for pair in "${refused[@]}"; do
  expect "${pair%:*}" .outcome refused
  expect "${pair%:*}" .refusal "${pair#*:}"
done
grep -rqaE "$made_recovery|${xts_recovery}|$luks_pass" "$work/evidence" "$results" &&
  fail "a key was written down"

### once more: there is nothing to repair
again=(made luks1 "${windows[@]:2:1}")
for name in "${again[@]}"; do
  work_add "$name" apply "$work/disks/$name.raw" \
    "{\"keys\": [${key[$name]}], \"evidence\": \"$work/evidence2/$name\"}"
done
works[1]=$(jq -c --argjson recipe "$write" '.recipe = $recipe' <<<"${works[1]}")
batch
for name in "${again[@]}"; do expect "$name" .outcome clean; done

### undo of bytes for most; of files for one that was used since
touch -d '+1 minute' "$work/disks/made.raw"
for name in "${names[@]}"; do add undo "$name"; done
batch
for name in "${names[@]}"; do expect "$name" .outcome undone; done
expect made .undo files
expect luks1 .undo bytes
(cd "$work/disks" && sha256sum -- *) | grep -v made.raw >"$work/after"
grep -v made.raw "$work/before" | diff - "$work/after" ||
  fail "undo did not bring the bytes back"

crypt_genuine ||
  skip "synthetic volumes are well; genuine ones could not be had"
