#!/usr/bin/env bash
# The undo of single files on disks that were used after their repair, a second
# repair on top of a first, and what inspect shows.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-batch.sh"
images_make

bad=/Windows/System32/drivers/CrowdStrike/C-00000291-00000000-00000032.sys
recipe() { # NAME OS MATCHES ACTIONS
  jq -nc --arg name "$1" --arg os "$2" --argjson match "$3" --argjson actions "$4" \
    '{recipe: {format: 1, name: $name, version: 1, title: "T", description: "D.",
      os: $os, match: $match, actions: $actions}}'
}
conf='[{"id": "old", "path": "/etc/app/old.conf", "kind": "file"},
       {"id": "mode", "path": "/etc/app/mode.conf", "kind": "file"}]'
linux=$(recipe files linux "$conf" '[{"action": "rename", "of": "old", "to": "older.conf"},
  {"action": "copy", "from": "/etc/app/keep.conf", "to": "/etc/app/copy.conf"},
  {"action": "write", "path": "/etc/app/new.conf", "content": "new\n"},
  {"action": "delete", "of": "mode"}]')
overwrite=$(recipe overwrite linux "$conf" '[{"action": "delete", "of": "old"},
  {"action": "write", "path": "/etc/app/mode.conf", "content": "x\n", "overwrite": true},
  {"action": "delete", "of": "mode"}]')
overwrite=$(jq -c '.recipe.match |= [.[0]] | .recipe.actions |= .[0:2]' <<<"$overwrite")
sys='[{"id": "bad", "kind": "file", "header": "aa aa aa aa",
       "path": "/windows/system32/DRIVERS/crowdstrike/c-00000291*.SYS"}]'
quarantine=$(recipe park windows "$sys" '[{"action": "quarantine", "of": "bad"}]')

kept=$(recipe keep any '[{"id": "renamed", "path": "/Kept/renamed", "kind": "folder"},
  {"id": "parked", "path": "/Kept/parked/*", "kind": "file", "size": {"max": 9999999}},
  {"id": "deleted", "path": "/Kept/deleted/*", "kind": "file", "size": {"max": 9999999}}]' \
  '[{"action": "rename", "of": "renamed", "to": "renamed.off"},
    {"action": "quarantine", "of": "parked"}, {"action": "delete", "of": "deleted"}]')

image win
image kept
image kept kept-bytes
image win quarantine
image win changed
image ext4
image ext4 overwrite
image gpt-win twice
work_add win apply "$work/disks/win.raw"
work_add quarantine apply "$work/disks/quarantine.raw" "$quarantine"
work_add changed apply "$work/disks/changed.raw"
work_add ext4 apply "$work/disks/ext4.raw" "$linux"
work_add overwrite apply "$work/disks/overwrite.raw" "$overwrite"
work_add twice apply "$work/disks/twice.raw"
for id in kept kept-bytes; do
  work_add "$id" apply "$work/disks/$id.raw" "$kept"
done
batch
for id in win quarantine changed ext4 overwrite twice kept kept-bytes; do
  expect "$id" .outcome repaired
done
# a name that is already in quarantine gets a number, both keep their times
[[ $(result quarantine '[.changes[].to] | join(" ")') == "/bootmend-quarantine/park/C-00000291-00000000-00000032.sys /bootmend-quarantine/park/C-00000291-00000000-00000033.sys" ]] ||
  fail "quarantine: $(result quarantine .changes)"

# the VMs run, and write
guestfish --format=raw -a "$work/disks/win.raw" \
  --format=raw -a "$work/disks/quarantine.raw" \
  --format=raw -a "$work/disks/changed.raw" \
  --format=raw -a "$work/disks/ext4.raw" \
  --format=raw -a "$work/disks/overwrite.raw" \
  --format=raw -a "$work/disks/kept.raw" >"$work/kept.after" <<END
run
mount /dev/sdf /
$(kept_facts /Kept/renamed.off && kept_facts /bootmend-quarantine/keep)
write /later.txt "used since"
umount-all
mount /dev/sda /
write /later.txt "used since"
umount-all
mount /dev/sdb /
write /later.txt "used since"
umount-all
mount /dev/sdc /
write $bad "a newer file of that name"
umount-all
mount /dev/sdd /
write /etc/app/later.conf "used since"
umount-all
mount /dev/sde /
write /etc/app/later.conf "used since"
umount-all
END
changed=$(sha256sum <"$work/disks/changed.raw")

# a second, other repair of one of them: the first one's evidence is kept
work_add twice apply "$work/disks/twice.raw" "$quarantine"
batch
expect twice .outcome repaired
[[ -e $work/evidence/twice/earlier-1/undo.qcow2 &&
  -e $work/evidence/twice/earlier-1/files/0001 ]] || fail "twice: evidence lost"

for id in win quarantine changed ext4 overwrite kept kept-bytes; do
  work_add "$id" undo "$work/disks/$id.raw"
done
image win never
work_add never undo "$work/disks/never.raw"
image win foreign
work_add foreign undo "$work/disks/foreign.raw" \
  "{\"evidence\": \"$work/evidence/win\"}"
batch
for id in win quarantine ext4 overwrite kept; do
  expect "$id" .outcome undone
  expect "$id" .undo files
  [[ $(jq -r .state "$work/evidence/$id/manifest.json") == undone ]] ||
    fail "$id: manifest"
done
expect kept-bytes .undo bytes
cmp "$work/disks/kept-bytes.raw" "$images_dir/kept.raw"
expect changed .outcome refused
expect changed .refusal changed-since
[[ $(sha256sum <"$work/disks/changed.raw") == "$changed" ]] ||
  fail "changed: written to"
kept_notes=$(result kept '.notes | join("; ")')
expect never .refusal no-evidence
# two works on one evidence folder: whichever comes second is told so
[[ $(result foreign .refusal) == @(foreign-evidence|in-use) ]] ||
  fail "foreign: $(result foreign tojson)"

seen=$(guestfish --ro --format=raw -a "$work/disks/win.raw" \
  --format=raw -a "$work/disks/quarantine.raw" \
  --format=raw -a "$work/disks/ext4.raw" \
  --format=raw -a "$work/disks/overwrite.raw" \
  --format=raw -a "$work/disks/kept.raw" <<END | tr -d '\0'
run
mount-ro /dev/sde /
$(kept_facts /Kept && kept_facts /Kept/renamed && kept_facts /Kept/parked && kept_facts /Kept/deleted)
echo facts end
umount-all
mount-ro /dev/sda /
checksum sha256 $bad
statns $bad
cat /later.txt
umount-all
mount-ro /dev/sdb /
checksum sha256 $bad
lstatns $bad
is-dir /bootmend-quarantine
umount-all
mount-ro /dev/sdc /
ls /etc/app
cat /etc/app/mode.conf
statns /etc/app/mode.conf
getxattr /etc/app/mode.conf security.selinux
umount-all
mount-ro /dev/sdd /
cat /etc/app/mode.conf
cat /etc/app/old.conf
END
)
sum=$(sha256sum <"$images_dir/bad.sys" | cut -c1-64)
[[ $(grep -c "$sum" <<<"$seen") == 2 ]] || fail "the bad file is not back: $seen"
# both NTFS files have their time of change, to 100 ns
[[ $(grep -c "st_mtime_sec: $bad_time" <<<"$seen") == 2 &&
  $(grep -c 'st_mtime_nsec: 1234500' <<<"$seen") == 2 ]] || fail "times: $seen"
grep -qx 'used since' <<<"$seen" || grep -q 'used since' <<<"$seen" ||
  fail "what was written since is lost: $seen"
grep -qx false <<<"$seen" || fail "an empty quarantine folder is left: $seen"
names=$(sed -n '/^keep.conf/,/^old.conf/p' <<<"$seen" | tr '\n' ' ')
[[ $names == 'keep.conf later.conf mode.conf old.conf ' ]] ||
  fail "ext4 holds: $names in $seen"
for what in 'st_uid: 12' 'st_gid: 34' 'st_mtime_sec: 1600000001' \
  'st_mtime_nsec: 7' 'system_u:object_r:etc_t:s0' 'st_mode: 33184'; do
  grep -qF "$what" <<<"$seen" || fail "ext4: no $what in $seen"
done
[[ $(grep -c 'mode$' <<<"$seen") == 2 && $(grep -cx old <<<"$seen") == 1 ]] ||
  fail "contents: $seen"

### what a rename, a quarantine and their undo keep on NTFS: all of it; the short
### name, which ntfs-3g drops, is given back by the undo
same() { # WHAT BEFORE AFTER
  diff "$2" "$3" || fail "kept: $1 is not as it was"
}
for folder in renamed parked deleted; do
  kept_lines "/Kept/$folder" <"$images_dir/kept" >"$work/$folder.before"
  kept_lines "/Kept/$folder" <<<"$seen" >"$work/$folder.undone"
done
(($(wc -l <"$work/renamed.before") > 40)) || fail "kept: too few facts"
same renamed "$work/renamed.before" <(kept_lines /Kept/renamed.off <"$work/kept.after")
same parked <(sed '/dos_name=/d; s/,11,1,2$/,11,1,1/' "$work/parked.before") \
  <(kept_lines /bootmend-quarantine/keep <"$work/kept.after")
same "the folder" <(kept_lines /Kept <"$images_dir/kept" | grep ^renamed) \
  <(kept_lines /Kept <<<"$seen" | grep ^renamed)
grep -q '^renamed system.ntfs_dos_name=' <(kept_lines /Kept <<<"$seen") ||
  fail "the folder has no short name"
same "renamed, undone" "$work/renamed."{before,undone}
same "parked, undone" "$work/parked."{before,undone}
# of a file that was deleted and is put back into a volume that has moved on,
# everything but how its content lay on the disk, which the notes tell
but_how() {
  grep -vE '^(compressed.txt|sparse.bin) (stat|system.ntfs_attrib)=|^(first|second)-name.txt stat=' "$1"
}
same "deleted, undone" <(but_how "$work/deleted.before") <(but_how "$work/deleted.undone")
for words in 'compressed.txt was compressed' 'sparse.bin was sparse' \
  'first-name.txt was one of 2 names'; do
  [[ $kept_notes == *"$words"* ]] || fail "kept: no note: $words: $kept_notes"
done
[[ $kept_notes != *'could not be set'* && $kept_notes != *attributes.txt* ]] ||
  fail "kept: $kept_notes"

# an undo of "twice" takes back the second repair only, byte by byte
work_add twice undo "$work/disks/twice.raw"
batch
expect twice .outcome undone
expect twice .undo bytes

### inspect
rm -rf "$work"/disks/*
for name in gpt-win mbr-win mbr-hiber two-win crypt-bitlocker btrfs gpt-lvm no-os; do
  image "$name"
  work_add "$name" inspect "$work/disks/$name.raw" '{"recipe": null}'
done
hashes >"$work/before"
batch
hashes | diff "$work/before" - || fail "inspect changed a disk"
for name in gpt-win mbr-win mbr-hiber two-win crypt-bitlocker btrfs gpt-lvm no-os; do
  expect "$name" .outcome inspected
done
expect gpt-win .disk.partition_table gpt
expect gpt-win .os.type windows
expect gpt-win '.disk.volumes[0] | "\(.name) \(.type) \(.size_bytes) \(.ntfs.log) \(.ntfs.log_version) \(.ntfs.dirty_flag)"' \
  'partition 1 ntfs 25165824 dirty 2.0 false'
expect mbr-win '.disk.volumes | map("\(.type) \(.ntfs.log) \(.label // "-")") | join(", ")' \
  'ntfs empty Daten, ntfs dirty -'
expect mbr-win .os.volume 'partition 2'
expect mbr-hiber .disk.would_refuse hibernated
expect two-win .disk.would_refuse several-os
expect crypt-bitlocker '.disk.volumes[1].encryption' BitLocker
expect crypt-bitlocker .disk.would_refuse unknown-encryption
expect btrfs .os.type linux
expect btrfs '.disk.volumes | map(.subvolume // "-") | join(" ")' '- @ home'
expect gpt-lvm '[.disk.volumes[].type] | join(" ")' 'LVM2_member ext4'
expect no-os .disk.would_refuse no-os
