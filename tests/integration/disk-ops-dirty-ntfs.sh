#!/usr/bin/env bash
# NTFS as a crash leaves it: every state is told apart by an inspection, each
# policy does what it says, what was there before is evidence, and what is
# refused is not touched.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-batch.sh"
requires ntfsinfo ntfslabel
images_make

for id in clean v1 v2 v1-reset v2-reset v1-refuse v2-refuse mirror boot report; do
  image win "$id"
done
image mbr-hiber hiber
disk() { echo "$work/disks/$1.raw"; }
for id in v1 v1-reset v1-refuse; do ntfs-crash "$(disk "$id")" 0 1; done
for id in v2 v2-reset v2-refuse report; do ntfs-crash "$(disk "$id")" 0 2; done
ntfs-crash "$(disk clean)" 0 1 clean
# a field of the third record of $MFTMirr
mirror_at=$(($(od -An -t u8 -j 56 -N 8 "$(disk mirror)") * 4096 + 2048 + 500))
printf 'x' | dd of="$(disk mirror)" bs=1 seek=$mirror_at conv=notrunc status=none
# a boot sector that is gone; the copy behind the volume is whole
dd if=/dev/zero of="$(disk boot)" bs=512 count=1 conv=notrunc status=none
cp "$(disk boot)" "$(disk boot-apply)"
cp "$(disk boot)" "$(disk boot-mend)"
# one that still says NTFS, on a disk with another volume; and a copy that lies
image mbr-win boot-second
boot_second=$(((2048 + 32768 + 2048) * 512))
dd if=/dev/zero of="$(disk boot-second)" bs=1 seek=$((boot_second + 40)) count=24 \
  conv=notrunc status=none
cp "$(disk boot)" "$(disk boot-lie)"
printf '\1' | dd of="$(disk boot-lie)" bs=1 conv=notrunc status=none \
  seek=$(($(stat -c %s "$(disk boot-lie)") - 512 + 48))
cp "$(disk hiber)" "$(disk hiber-apply)"
# logs that hold a transaction which renames the volume from Daten to Heute
transactions=(committed open torn committed-2 open-2 torn-2)
for id in "${transactions[@]}" committed-reset; do
  image data "$id"
  version=1
  [[ $id != *-2 ]] || version=2
  ntfs-crash "$(disk "$id")" 0 $version "${id%-*}" Heute
done
hashes >"$work/before"

### inspect
ids=(clean v1 v2 mirror boot hiber)
for id in "${ids[@]}"; do work_add "$id" inspect "$(disk "$id")" '{"recipe": null}'; done
for id in v1-refuse v2-refuse; do
  work_add "$id" apply "$(disk "$id")" '{"dirty_ntfs": "refuse"}'
done
work_add report report "$(disk report)" '{"dirty_ntfs": "refuse"}'
mend='{"recipe": "windows-boot-sector"}'
for id in boot-mend boot-second clean; do
  work_add "$id.report" report "$(disk "$id")" "$mend"
done
work_add boot-lie apply "$(disk boot-lie)" "$mend"
work_add boot-apply apply "$(disk boot-apply)"
work_add hiber-apply apply "$(disk hiber-apply)"
batch
state() { # ID FIELD VALUE
  expect "$1" ".disk.volumes[0].ntfs.$2" "$3"
}
state clean log clean
state clean shut_down true
state clean mft_mirror same
state clean boot_copy same
state v1 log dirty
state v1 log_version 1.1
state v1 shut_down false
state v2 log dirty
state v2 log_version 2.0
state mirror mft_mirror differs
state boot boot_damaged true
expect hiber .disk.would_refuse hibernated
for id in v1-refuse v2-refuse report; do expect "$id" .refusal dirty-ntfs; done
expect boot-apply .refusal fs-damaged
result boot-apply .reason | grep -q 'the copy behind the volume is good' ||
  fail "boot: $(result boot-apply .reason)"
expect hiber-apply .refusal hibernated
for id in boot-mend boot-second; do
  expect "$id.report" .outcome needed
  expect "$id.report" '.changes[0].action' ntfs-boot-sector
done
expect boot-second.report '.changes[0].path' 'partition 2: boot sector'
expect clean.report .outcome clean
expect boot-lie .refusal fs-damaged
result boot-lie .notes | grep -q 'are not where the copy says' || fail "boot-lie"
hashes | diff "$work/before" - || fail "a look or a refusal changed a disk"

### repair
ids=(clean v1 v2 v1-reset v2-reset mirror)
for id in "${ids[@]}"; do
  work_add "$id" apply "$(disk "$id")" \
    "{\"dirty_ntfs\": \"$(if [[ $id == *-reset ]]; then echo reset; else echo replay; fi)\"}"
done
any='{"format": 1, "name": "any", "version": 1, "title": "Any",
  "description": "For tests.", "os": "any",
  "actions": [{"action": "write", "path": "/new", "content": "new"}]}'
for id in "${transactions[@]}"; do
  work_add "$id" apply "$(disk "$id")" "{\"recipe\": $any}"
done
work_add committed-reset apply "$(disk committed-reset)" \
  "{\"recipe\": $any, \"dirty_ntfs\": \"reset\"}"
for id in boot-mend boot-second; do work_add "$id" apply "$(disk "$id")" "$mend"; done
ids+=("${transactions[@]}" committed-reset boot-mend boot-second)
batch
for id in "${ids[@]}"; do expect "$id" .outcome repaired; done
label() { # ID NAME WORDS-OF-THE-NOTE
  [[ $(ntfslabel -f "$(disk "$1")" 2>/dev/null) == "$2" ]] ||
    fail "$1: the volume is called $(ntfslabel -f "$(disk "$1")")"
  result "$1" '.notes[]' | grep -q "$3" || fail "$1: $(result "$1" .notes)"
}
for version in '' -2; do
  label committed$version Heute 'what was committed in the log is applied'
  label open$version Daten 'what was committed in the log is applied'
  label torn$version Daten 'could not be replayed'
done
result open-2 '.notes[]' | grep -qF 'its log has version 2.0' || fail "open-2"
label committed-reset Daten 'the log was emptied and'
expect clean '.notes | length' 0
[[ ! -e $work/evidence/clean/ntfs ]] || fail "a clean volume's log is evidence"
for id in v1 v2; do
  result "$id" '.notes[]' | grep -q 'could not be replayed' ||
    fail "$id: no word about the log: $(result "$id" .notes)"
done
result v1-reset '.notes[]' | grep -q 'the log was emptied and' || fail "v1-reset"
result mirror '.notes[]' | grep -q 'MFTMirr was not what' || fail "mirror"
flags() { ntfsinfo -f -m "$(disk "$1")" 2>/dev/null | sed -n 's/.*Volume Flags: *\(0x[0-9a-f]*\).*/\1/p'; }
[[ $(flags clean) == 0x0000 ]] || fail "clean: flags $(flags clean)"
for id in "${transactions[@]}" committed-reset; do
  [[ $(flags "$id") == 0x0001 ]] || fail "$id is not marked dirty: $(flags "$id")"
done
for id in v1 v2 v1-reset v2-reset mirror; do
  [[ $(flags "$id") == 0x0001 ]] || fail "$id is not marked dirty: $(flags "$id")"
  for file in logfile mftmirr mft-start boot-sectors boot-sector-copy; do
    row=$(jq -c ".ntfs[] | select(.name == \"ntfs/$file\")" \
      "$work/evidence/$id/files.json")
    [[ $(jq -r .sha256 <<<"$row") == $(sha256sum <"$work/evidence/$id/ntfs/$file" | cut -c1-64) ]] ||
      fail "$id: digest of $file"
    grep -qF "$(jq -r .sha256 <<<"$row")" < <(tail -c +$(($(jq .offset <<<"$row") + 1)) \
      "$images_dir/win.raw" | head -c "$(jq .size_bytes <<<"$row")" | sha256sum) ||
      [[ $file == logfile || $id == mirror ]] || fail "$id: $file is not what was there"
  done
done
head -c 4 "$work/evidence/v2/ntfs/logfile" | grep -q RSTR || fail "v2: the log in the evidence"

# the sector is the copy, and where the log was closed nothing else is written
cmp <(head -c 512 "$(disk boot-mend)") <(tail -c 512 "$(disk boot-mend)")
(($(jq -r '.files[0].metadata.before' "$work/evidence/boot-mend/files.json" |
  base64 -d | tr -d '\0' | wc -c) == 0)) || fail "boot-mend: what was there"
result boot-mend '.notes[]' | grep -q 'its boot sector was damaged' || fail boot-mend
ntfsinfo -f -m "$(disk boot-mend)" >"$work/info" 2>&1 || fail "boot-mend: $(<"$work/info")"

### undo brings the log back as it was
for id in "${ids[@]}"; do work_add "$id" undo "$(disk "$id")"; done
batch
for id in "${ids[@]}"; do expect "$id" .undo bytes; done
hashes | diff "$work/before" - || fail "undo does not bring the bytes back"
