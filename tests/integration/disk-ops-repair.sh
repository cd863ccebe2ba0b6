#!/usr/bin/env bash
# Repairs of all kinds of disks, many in one appliance: report changes nothing,
# apply changes what was proven, apply again finds nothing, undo brings the
# bytes back.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-batch.sh"
images_make

windows=(win wincase gpt-win mbr-win)
linux=(ext4 xfs btrfs vfat gpt-lvm)
bad=C-00000291-00000000-00000032.sys

# Every action on a Linux (or a system-less) volume.
actions='{"recipe": {"format": 1, "name": "every-action", "version": 1,
  "title": "Every action", "description": "For tests.", "os": "any",
  "match": [
    {"id": "old", "path": "/etc/app/old.conf", "kind": "file"},
    {"id": "mode", "path": "/etc/app/mode.c*f", "kind": "file",
     "required": true}],
  "actions": [
    {"action": "copy", "from": "/etc/app/keep.conf", "to": "/etc/app/copy.conf"},
    {"action": "rename", "of": "old", "to": "older.conf"},
    {"action": "write", "path": "/etc/app/new.conf", "content": "new\n"},
    {"action": "write", "path": "/etc/app/mode.conf", "content": "changed\n",
     "overwrite": true}],
  "check": [{"check": "absent", "of": "old"},
            {"check": "present", "path": "/etc/app/older.conf"}]}}'

for name in "${windows[@]}" "${linux[@]}"; do image "$name"; done
# a qcow2, and two that share a backing file
qemu-img convert -O qcow2 "$images_dir/gpt-win.raw" "$work/disks/plain.qcow2"
qemu-img convert -O qcow2 "$images_dir/gpt-win.raw" "$work/disks/base.qcow2"
for i in 1 2; do
  qemu-img create -q -f qcow2 -b "$work/disks/base.qcow2" -F qcow2 \
    "$work/disks/shared$i.qcow2"
done
qcow2=(plain shared1)
hashes >"$work/before"

add_all() { # MODE EVIDENCE-SUFFIX
  local name
  for name in "${windows[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.raw" \
      "{\"evidence\": \"$work/evidence$2/$name\"}"
  done
  for name in "${qcow2[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.qcow2" \
      "{\"format\": \"qcow2\", \"evidence\": \"$work/evidence$2/$name\"}"
  done
  for name in "${linux[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.raw" \
      "$(jq -c ". + {evidence: \"$work/evidence$2/$name\"}" <<<"$actions")"
  done
}

### report
add_all report ''
batch
for name in "${windows[@]}" "${qcow2[@]}"; do
  expect "$name" .outcome needed
  expect "$name" '.changes | length' 1
  # the good one by its time, the other one by its header
  expect "$name" '[.kept[].reason] | join("; ")' \
    "modified 2024-07-19T05:30:00Z is not before 2024-07-19T05:27:00Z; its first bytes are others"
  expect "$name" .os.type windows
done
for name in "${linux[@]}"; do
  expect "$name" .outcome needed
  expect "$name" '[.changes[].action] | join(" ")' 'copy rename write write'
done
expect ext4 .os.name 'Test Linux 12 (small)'
expect btrfs .os.volume 'whole disk, subvolume @'
expect gpt-lvm .os.volume vg0/root
expect vfat .os.type none
expect wincase .os.system_folder /WINDOWS
hashes | diff "$work/before" - || fail "a report changed a disk"
[[ -z $(ls -A "$work/scratch/s") ]] || fail "report leaves overlays behind"
[[ ! -e $work/evidence ]] || fail "report makes evidence"

### apply
add_all apply ''
batch
for name in "${windows[@]}" "${linux[@]}" "${qcow2[@]}"; do
  expect "$name" .outcome repaired
  expect "$name" .changed true
  e=$work/evidence/$name
  [[ $(jq -r .state "$e/manifest.json") == "done" ]] || fail "$name: manifest"
  [[ $(stat -c %a "$e") == 700 ]] || fail "$name: mode of the evidence"
  [[ -z $(find "$e" -name 'redo*' -o -name 'work*') ]] || fail "$name: leftovers"
done
for name in gpt-win mbr-win; do
  result "$name" '.notes[]' | grep -q 'Windows may run chkdsk' ||
    fail "$name: no word about chkdsk"
done
expect win '.notes | length' 0
# evidence: content, hash, times, attributes
e=$work/evidence/gpt-win
cmp -s "$e/files/0001" "$images_dir/bad.sys" || fail "evidence is another file"
file=$(jq '.files[0]' "$e/files.json")
[[ $(jq -r .sha256 <<<"$file") == $(sha256sum <"$images_dir/bad.sys" | cut -c1-64) ]] ||
  fail "hash of the evidence"
# jq would round these
grep -q '"modified_ns": 1721362500001234500' "$e/files.json" ||
  fail "time of the evidence"
# the same as FILETIME: 100 ns since 1601
grep -q '"modified": 133658361000012345' "$e/files.json" ||
  fail "NTFS time of the evidence"
jq -e '.metadata.xattrs | has("system.ntfs_acl") and has("system.ntfs_attrib")' \
  <<<"$file" >/dev/null || fail "attributes of the evidence"
file=$(jq '.files[] | select(.action == "write" and .metadata)' \
  "$work/evidence/ext4/files.json")
[[ $(jq -c '[.metadata.mode, .metadata.uid, .metadata.gid]' <<<"$file") == '[416,12,34]' ]] ||
  fail "owner and mode of the evidence"
[[ $(jq -r '.metadata.xattrs["security.selinux"] | @base64d' <<<"$file" | tr -d "\0") == system_u:object_r:etc_t:s0* ]] ||
  fail "label of the evidence"
for name in base shared2; do
  grep -qF "$(sha256sum <"$work/disks/$name.qcow2" | cut -c1-64)  $name.qcow2" \
    "$work/before" || fail "$name.qcow2, which others use, was written"
done

# what is on the disks now, seen by others
look() { guestfish --ro --format="$1" -a "$2" run : "${@:3}"; }
listing=$(look raw "$work/disks/mbr-win.raw" mount-ro /dev/sda2 / : \
  ls /Windows/System32/drivers/CrowdStrike)
[[ $listing != *"$bad"* && $listing == *00000033.sys* && $listing == *00000034.sys* ]] ||
  fail "mbr-win holds: $listing"
content=$(look raw "$work/disks/ext4.raw" mount-ro /dev/sda / : \
  cat /etc/app/mode.conf : stat /etc/app/mode.conf : \
  getxattr /etc/app/mode.conf security.selinux | tr -d "\0")
[[ $content == changed* && $content == *etc_t* ]] || fail "ext4: $content"
grep -q 'uid: 12' <<<"$content" || fail "ext4: owner lost: $content"
hashes >"$work/repaired"

### apply again: with other evidence all are clean, with the same the old result
add_all apply -again
batch
for name in "${windows[@]}" "${linux[@]}" "${qcow2[@]}"; do
  expect "$name" .outcome clean
  expect "$name" .changed false
done
add_all apply ''
batch
for name in "${windows[@]}" "${linux[@]}" "${qcow2[@]}"; do
  expect "$name" .outcome repaired
  expect "$name" .earlier true
done
grep -q '"appliance":"' "$results" && fail "a repair that is done needs no appliance"
hashes | diff "$work/repaired" - || fail "a second apply changed a disk"
[[ -z $(ls -A "$work/evidence-again" 2>/dev/null) ]] || fail "evidence of nothing"

### undo: byte by byte
add_all undo ''
batch
for name in "${windows[@]}" "${linux[@]}" "${qcow2[@]}"; do
  expect "$name" .outcome undone
  expect "$name" .undo bytes
done
hashes | grep -v qcow2 | diff <(grep -v qcow2 "$work/before") - ||
  fail "undo does not bring the bytes back"
for name in "${qcow2[@]}"; do
  qemu-img compare -q -f qcow2 -F raw "$work/disks/$name.qcow2" \
    "$images_dir/gpt-win.raw" || fail "$name: undo"
  qemu-img check -q -f qcow2 "$work/disks/$name.qcow2" || fail "$name: check"
done
add_all undo ''
batch
expect win .outcome undone
expect win .changed false
