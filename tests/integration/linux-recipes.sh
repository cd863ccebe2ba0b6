#!/usr/bin/env bash
# The recipes for Linux on ext4, xfs, a btrfs subvolume, LVM and with a /boot of
# its own: a report changes nothing, apply changes what it says and keeps owners,
# modes and SELinux labels, apply again finds nothing, undo brings every byte back.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-linux.sh"
. "$source_dir/tests/integration/lib-batch.sh"
requires mke2fs setfattr debugfs
images_make

# What all of them hold, as a folder.
tree=$work/tree
linux_tree "$tree"

mkdir -p "$work/disks"
ext4() { # NAME FOLDER UUID [MIB]
  linux_ext4 "$work/disks/$1.raw" "${@:2}"
}
root_uuid=$linux_root_uuid
boot_uuid=$linux_boot_uuid
ext4 root "$tree" "$root_uuid"
recipes=(fstab module mask ssh selinux full kernel)
for name in "${recipes[@]}"; do
  cp --sparse=always "$work/disks/root.raw" "$work/disks/$name.raw"
done
# no grub.cfg at all, for the refusal
cp "$work/disks/root.raw" "$work/disks/bare.raw"
debugfs -w -R 'rm /boot/grub/grub.cfg' "$work/disks/bare.raw" 2>/dev/null

# A /boot of its own, with entries of the Boot Loader Specification.
mkdir -p "$work"/boot/{grub2,loader/entries}
for v in 5.14.0-1 5.14.0-70 5.14.0-362; do
  echo "title $v" >"$work/boot/loader/entries/abc-$v.el9.x86_64.conf"
done
echo rescue >"$work/boot/loader/entries/abc-0-rescue.conf"
echo '# blscfg' >"$work/boot/grub2/grub.cfg"
{
  printf '# GRUB Environment Block\nsaved_entry=abc-5.14.0-362.el9.x86_64\n'
  printf 'boot_success=0\n'
  head -c 1024 /dev/zero | tr '\0' '#'
} | head -c 1024 >"$work/boot/grub2/grubenv"
rm -r "$tree/boot/grub"
ext4 part-root "$tree" "$root_uuid" 16
ext4 part-boot "$work/boot" "$boot_uuid" 8
truncate -s 28M "$work/disks/split.raw"
sfdisk --quiet "$work/disks/split.raw" <<'END'
label: gpt
start=2048, size=16384, type=L
start=20480, size=32768, type=L
END
dd if="$work/disks/part-boot.raw" of="$work/disks/split.raw" bs=512 seek=2048 \
  conv=notrunc,sparse status=none
dd if="$work/disks/part-root.raw" of="$work/disks/split.raw" bs=512 seek=20480 \
  conv=notrunc,sparse status=none
rm "$work"/disks/{root,part-root,part-boot}.raw

# Other file systems, with the little that lib-images.sh puts there.
for name in xfs btrfs gpt-lvm; do image "$name"; done
others=(xfs btrfs gpt-lvm)
hashes >"$work/before"

declare -A what=(
  [fstab]='"linux-fstab-nofail"' [full]='"linux-disk-full"'
  [kernel]='"linux-kernel-previous"' [split]='"linux-kernel-previous"'
  [bare]='"linux-kernel-previous"' [ssh]='"linux-ssh-restore"'
  [selinux]='"linux-selinux-permissive-once"'
  [module]='"linux-module-blacklist"' [mask]='"linux-systemd-mask"')
own='{"format": 1, "name": "own", "version": 1, "title": "Own",
  "description": "For tests.", "os": "linux", "actions": [
    {"action": "fstab-let-go"},
    {"action": "set-line", "path": "/etc/app/mode.conf", "pattern": "^mode",
     "line": "changed"},
    {"action": "link", "path": "/etc/app/masked.service",
     "target": "/dev/null"}]}'
declare -A values=(
  [full]='{"rotate": true}' [module]='{"module": "falcon_lsm"}'
  [mask]='{"unit": "falcon-sensor.service"}')

add_all() { # MODE
  local name
  for name in "${recipes[@]}" split bare; do
    work_add "$name" "$1" "$work/disks/$name.raw" \
      "{\"recipe\": ${what[$name]}, \"parameters\": ${values[$name]:-{\}}}"
  done
  for name in "${others[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.raw" "{\"recipe\": $own}"
  done
}
changes() { result "$1" '[.changes[] | "\(.action) \(.to // .path)"] | join("; ")'; }
is() { # NAME VALUE EXPECTED
  [[ $2 == "$3" ]] || fail "$1: \"$2\", expected \"$3\""
}

### report
add_all report
batch
for name in "${recipes[@]}" split "${others[@]}"; do
  expect "$name" .outcome needed
done
is fstab "$(changes fstab)" 'fstab-let-go /etc/fstab'
is mask "$(changes mask)" \
  'link /etc/systemd/system/falcon-sensor.service'
is module "$(changes module)" 'set-line /etc/modprobe.d/bootmend-blacklist.conf'
is ssh "$(changes ssh)" \
  'delete /etc/nologin; remove-line /etc/ssh/sshd_config'
is kernel "$(changes kernel)" \
  'previous-kernel /boot/grub/grub.cfg; previous-kernel /etc/default/grub'
is split "$(changes split)" 'previous-kernel /boot/grub2/grubenv'
is full "$(changes full)" \
  'free-space /var/log/syslog.2.gz; free-space /var/log/apt/history.log.1.gz'
[[ $(result full '.notes | join(" ")') == *'are free'*'the largest: /var/log '* ]] ||
  fail "full: $(result full tojson)"
[[ $(result fstab '.notes | join(" ")') == *'UUID=deadbeef'*'on /data is not on this disk'* ]] ||
  fail "fstab: $(result fstab tojson)"
expect bare .refusal no-match
expect btrfs .os.volume 'whole disk, subvolume @'
hashes | diff "$work/before" - || fail "a report changed a disk"

### apply
add_all apply
batch
for name in "${recipes[@]}" split "${others[@]}"; do
  expect "$name" .outcome repaired
done
expect bare .refusal no-match
cat_of() { # NAME PATH
  debugfs -R "cat $2" "$work/disks/$1.raw" 2>/dev/null
}
is fstab "$(cat_of fstab /etc/fstab | cut -d' ' -f 2,4 | tr '\n' ' ')" \
  '/ defaults /boot defaults,nofail /data defaults,nofail none sw,nofail '
is ssh "$(cat_of ssh /etc/ssh/sshd_config)" $'Port 22\nPermitRootLogin no'
is selinux "$(cat_of selinux /etc/selinux/config | sed -n 2p)" SELINUX=permissive
is module "$(cat_of module /etc/modprobe.d/bootmend-blacklist.conf)" \
  $'blacklist falcon_lsm\ninstall falcon_lsm /bin/false'
is kernel "$(cat_of kernel /boot/grub/grub.cfg | head -n 1)" \
  '   set default="advanced>old"'
is kernel "$(cat_of kernel /etc/default/grub | head -n 1)" \
  'GRUB_DEFAULT="advanced>old"'
[[ $(debugfs -R 'stat /etc/systemd/system/falcon-sensor.service' \
  "$work/disks/mask.raw" 2>/dev/null) == *'Fast link dest: "/dev/null"'* ]] ||
  fail "mask: no link to /dev/null"
[[ $(debugfs -R 'stat /etc/ssh/sshd_config' "$work/disks/ssh.raw" 2>/dev/null) == \
  *'Mode:  0640'*'User:     7   Group:     8'* ]] || fail "ssh: owner or mode"
is ssh "$(debugfs -R 'ea_get /etc/ssh/sshd_config security.selinux' \
  "$work/disks/ssh.raw" 2>/dev/null | tr -d '\0"')" \
  'security.selinux (26) = system_u:object_r:etc_t:s0'
[[ $(debugfs -R 'ea_get /etc/modprobe.d/bootmend-blacklist.conf security.selinux' \
  "$work/disks/module.raw" 2>/dev/null) == *modules_conf_t* ]] ||
  fail "module: the new file has no label"
dd if="$work/disks/split.raw" of="$work/boot.raw" bs=512 skip=2048 count=16384 \
  status=none
[[ $(debugfs -R 'cat /grub2/grubenv' "$work/boot.raw" 2>/dev/null) == \
  *'saved_entry=abc-5.14.0-70.el9.x86_64'*'boot_success=0'* ]] ||
  fail "split: saved_entry"

### again
for name in "${!what[@]}"; do rm -rf "$work/evidence/$name.2"; done
hashes >"$work/after"
for name in "${recipes[@]}" split; do
  [[ $name == full ]] || work_add "$name" apply "$work/disks/$name.raw" \
    "{\"recipe\": ${what[$name]}, \"parameters\": ${values[$name]:-{\}},
      \"evidence\": \"$work/evidence/$name.2\"}"
done
batch
for name in "${recipes[@]}" split; do
  [[ $name == full ]] || expect "$name" .outcome clean
done
hashes | diff "$work/after" - || fail "nothing was to change"

### undo
add_all undo
batch
for name in "${recipes[@]}" split "${others[@]}"; do
  expect "$name" .outcome undone
done
hashes | diff "$work/before" - || fail "undo does not bring every byte back"
