#!/usr/bin/env bash
# What a repair refuses or can't do: each disk is named with a code, nothing is
# changed, and the disks beside it in the same batch are repaired all the same.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-batch.sh"
images_make

disk() {
  work_add "$1" apply "$work/disks/$1.raw" "${2:-{\}}"
}

for name in mbr-hiber two-win no-os crypt-luks crypt-bitlocker winlink data; do
  image "$name"
  disk "$name"
done
image win good
disk good
image gpt-win truncated
truncate -s 12M "$work/disks/truncated.raw"
disk truncated
image win odd-size
truncate -s +100 "$work/disks/odd-size.raw"
disk odd-size
: >"$work/disks/empty.raw"
disk empty
head -c 2M /dev/urandom >"$work/disks/garbage.raw"
disk garbage
truncate -s 4M "$work/disks/zeroes.raw"
disk zeroes
image win read-only
chmod 0444 "$work/disks/read-only.raw"
disk read-only
image win wrong-size
disk wrong-size '{"size_bytes": 25165825}'
qemu-img create -q -f qcow2 "$work/disks/as-raw.raw" 8M
disk as-raw
qemu-img convert -O qcow2 "$images_dir/win.raw" "$work/disks/cut.raw"
truncate -s 1M "$work/disks/cut.raw"
disk cut '{"format": "qcow2"}'
image win not-qcow2
disk not-qcow2 '{"format": "qcow2"}'
image ext4 wrong-os
disk wrong-os
mkdir "$work/folder.raw"
work_add folder apply "$work/folder.raw"
work_add missing apply "$work/disks/missing.raw"
image win writer # open for writing by someone without any locks
disk writer
exec 8<>"$work/disks/writer.raw"
image win vm     # open by QEMU
disk vm
# It waits for words on a pipe that ends with us: nothing that outlives the test
# may hold its output.
mkfifo "$work/words"
exec 9<>"$work/words"
qemu-io -f raw "$work/disks/vm.raw" <"$work/words" >/dev/null 2>&1 9>&- &
vm=$!
at_exit kill "$vm"
image win no-match
no_match='{"recipe": {"format": 1, "name": "t", "version": 1, "title": "T",
  "description": "T.", "os": "windows",
  "match": [{"id": "m", "path": "/Windows/nothing*", "kind": "file",
             "required": true}],
  "actions": [{"action": "delete", "of": "m"}]}}'
disk no-match "$no_match"
image win twins # names that differ only in case, as only a non-Windows makes
guestfish --format=raw -a "$work/disks/twins.raw" run : mount /dev/sda / : \
  mv /Windows /w : mkdir /WINDOWS : mkdir-p /windows/System32
disk twins
image win failing
disk failing "$(jq -c '.recipe.actions = [{action: "rename", of: "m", to: "x"}]
  | .recipe.match = [{id: "m", path: "/Windows/System32/config", kind: "folder"}]
  | .recipe.check = [{check: "present", path: "/Windows/nothing"}]' <<<"$no_match")"
image win taken
disk taken "$(jq -c '.recipe.actions = [{action: "rename", of: "m", to: "DRIVERS"}]
  | .recipe.match = [{id: "m", path: "/Windows/System32/config", kind: "folder"}]' \
  <<<"$no_match")"
hashes >"$work/before"
sleep 1 # for qemu-io

batch

while read -r name outcome code; do
  expect "$name" .outcome "$outcome"
  expect "$name" '.refusal // .error.code' "$code"
  expect "$name" .changed false
  [[ $(result "$name" '.reason | length') -gt 20 ]] || fail "$name: no reason"
  [[ ! -e $work/evidence/$name/undo.qcow2 ]] || fail "$name: undo image"
done <<'END'
mbr-hiber refused hibernated
two-win refused several-os
no-os refused no-os
data refused no-os
crypt-luks refused unknown-encryption
crypt-bitlocker refused unknown-encryption
winlink refused reparse-point
truncated refused truncated
odd-size refused truncated
empty refused empty
garbage refused no-disk
zeroes refused no-disk
read-only refused read-only
wrong-size refused wrong-size
as-raw refused no-disk
cut refused image-damaged
not-qcow2 refused image-damaged
wrong-os refused wrong-os
folder refused no-disk
missing failed not-found
writer refused in-use
vm refused in-use
no-match refused no-match
twins refused ambiguous-name
failing failed disk
taken refused target-exists
END
expect good .outcome repaired
result crypt-bitlocker .reason | grep -q 'partition 2 is encrypted with BitLocker' ||
  fail "the encrypted volume is not named"
result as-raw .reason | grep -q qcow2 || fail "as-raw: no hint"
result vm .reason | grep -q qemu-io || fail "vm: who has it is not told"
hashes | grep -v good | diff <(grep -v good "$work/before") - ||
  fail "a refusal changed a disk"
exec 8>&-

### while we work nobody can start a VM on the disk
rm "$work"/disks/*.raw
image win
touch "$work/pause"
work_add win apply "$work/disks/win.raw"
BOOTMEND_TEST_PAUSE=win:changed:$work/pause batch &
job=$!
wait_for 120 test -e "$work/evidence/win/files.json" || fail "it never came to it"
run qemu-io -f raw -c 'write 0 512' "$work/disks/win.raw"
[[ $out$msg == *lock* ]] || fail "QEMU can write to a disk in work: $out$msg"
run qemu-io -r -f raw -c 'read 0 512' "$work/disks/win.raw"
expect_status 0
# a second repair of it, too
work_add second apply "$work/disks/win.raw"
batch_number=10
batch
expect second .refusal in-use
rm "$work/pause"
wait "$job"
results=$work/results-2
expect win .outcome repaired
