# shellcheck shell=bash
# lib-matrix-disks.sh - the second half of lib-matrix.sh: disks around volumes
#
#   matrix_disks     from the volumes in $matrix_new, all of $matrix_new/disks
#
# One function for each table of disk-matrix.sh; each branch makes $to.
# shellcheck disable=SC2154  # from lib-matrix.sh
# shellcheck disable=SC2034  # images_new, of lib-images.sh

ntfs_type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
esp_type=C12A7328-F81F-11D2-BA4B-00A0C93EC93B
lvm_type=E6D6D379-F507-44C2-A23C-238F2A3DF928

# A number of the boot sector of an NTFS volume: IMAGE OFFSET
ntfs_number() {
  od -An -t u8 -j "$2" -N 8 "$1" | tr -d ' '
}

# SOURCE BYTES IMAGE OFFSET: overwritten from SOURCE
overwrite() {
  dd if="$1" of="$3" bs=1 count="$2" seek="$4" conv=notrunc status=none
}

# The same noise each time.
noise() {
  openssl enc -aes-128-ctr -nosalt -K 00 -iv "${1:-01}" </dev/zero 2>/dev/null |
    head -c "${2:-1M}"
}

copy() {
  cp --sparse=always "$1" "$2"
}

# The volume alone as the one partition of a disk.
matrix_single() { # LABEL TYPE VOLUME OUT
  images_new=$matrix_new images_partitioned "$1" "single" "$3" "$2"
  mv "$matrix_new/single.raw" "$4"
}

# A full Windows in which SYSTEM (with its logs) is in one of lib-hives' states.
matrix_hive() { # STATE TO
  local file
  copy "$matrix_new/plain.raw" "$2"
  for file in "$hives_dir/$1"/SYSTEM*; do
    ntfscp -f -q "$2" "$file" "/Windows/System32/config/${file##*/}"
  done
}

matrix_extended() { # VOLUME TYPE TO
  local size=$(($(stat -c %s "$1") / 512)) all
  all=$((size + 8192))
  truncate -s $(((all + 4096) * 512)) "$3"
  sfdisk --quiet "$3" <<END
label: dos
$3-part1 : start=2048, size=$all, type=5
$3-part5 : start=6144, size=$size, type=$2
END
  dd if="$1" of="$3" bs=512 seek=6144 conv=notrunc,sparse status=none
}

matrix_windows_disk() { # NAME TO
  local to=$2 plain=$matrix_new/plain.raw at
  case $1 in
  whole) copy "$plain" "$to" ;;
  mbr) matrix_single dos 7 plain "$to" ;;
  mbr-second)
    images_partitioned dos single data 7 plain 7
    mv "$matrix_new/single.raw" "$to"
    ;;
  extended) matrix_extended "$plain" 7 "$to" ;;
  gpt-efi | gpt-backup)
    images_partitioned gpt single esp "$esp_type" plain "$ntfs_type"
    mv "$matrix_new/single.raw" "$to"
    [[ $1 == gpt-efi ]] || overwrite /dev/zero 17408 "$to" 512
    ;;
  qcow2) qemu-img convert -O qcow2 "$plain" "$to" ;;
  backing)
    copy "$plain" "$matrix_new/disks/backing.base"
    qemu-img create -q -f qcow2 -F raw -b backing.base "$to"
    ;;
  dirty-1) copy "$plain" "$to" && ntfs-crash "$to" 0 1 ;;
  dirty-2) copy "$plain" "$to" && ntfs-crash "$to" 0 2 ;;
  log-*)
    copy "$plain" "$to"
    ntfslabel -f "$to" Daten >/dev/null 2>&1
    ntfs-crash "$to" 0 2 "${1#log-}" Heute
    ;;
  dirty-random)
    copy "$plain" "$to"
    # the log's place is what ntfs-crash finds
    ntfs-crash "$to" 0 2
    at=$(grep -obaF RSTR "$to" | head -n 1)
    overwrite <(noise 02) 8192 "$to" "${at%%:*}"
    ;;
  chkdsk) copy "$plain" "$to" && ntfsfix "$to" >/dev/null ;;
  hibernated)
    copy "$plain" "$to"
    { printf hibr && head -c 40956 /dev/zero; } >"$matrix_new/hiber"
    ntfscp -f -q "$to" "$matrix_new/hiber" /hiberfil.sys
    ntfs-crash "$to" 0 2
    ;;
  mftmirr | mftmirr-second)
    copy "$plain" "$to"
    at=$(($(ntfs_number "$to" 56) * 4096 + 1024 + 40))
    overwrite <(noise 03) 8 "$to" "$at"
    [[ $1 == mftmirr ]] || {
      mv "$to" "$matrix_new/mirror.raw"
      images_partitioned dos single data 7 mirror 7
      mv "$matrix_new/single.raw" "$to"
    }
    ;;
  boot-sector | boot-both)
    matrix_single dos 7 plain "$to"
    overwrite /dev/zero 512 "$to" 1048576
    [[ $1 == boot-sector ]] ||
      overwrite /dev/zero 512 "$to" $((1048576 + $(stat -c %s "$plain") - 512))
    ;;
  root-record)
    copy "$plain" "$to"
    at=$(($(ntfs_number "$to" 48) * 4096 + 5 * 1024))
    overwrite <(noise 04) 1024 "$to" "$at"
    ;;
  index)
    # the block of the index that has the files' names
    copy "$matrix_new/many.raw" "$to"
    while IFS=: read -r at _; do
      ! grep -qaF C-00000291 <(tail -c +$((at + 1)) "$to" | head -c 4096 |
        tr -d '\0') || overwrite <(noise 07) 64 "$to" "$at"
    done < <(grep -obaF INDX "$to")
    ;;
  hive-empty) matrix_hive gone "$to" ;;
  hive-both)
    matrix_hive damaged "$to"
    ntfscp -f -q "$to" "$hives_dir/damaged/SYSTEM" \
      /Windows/System32/config/RegBack/SYSTEM
    ;;
  hive-*) matrix_hive "${1#hive-}" "$to" ;;
  bcd-damaged)
    copy "$plain" "$to"
    ntfscp -f -q "$to" "$hives_dir/damaged/SYSTEM" /Boot/BCD
    ;;
  tpm)
    images_partitioned dos single plain 7 bitlocker 7
    mv "$matrix_new/single.raw" "$to"
    ;;
  linux)
    images_partitioned dos single plain 7 ext4 83
    mv "$matrix_new/single.raw" "$to"
    ;;
  two)
    images_partitioned dos single plain 7 plain 7
    mv "$matrix_new/single.raw" "$to"
    ;;
  *) copy "$matrix_new/$1.raw" "$to" ;; # from the appliance
  esac
}

matrix_encrypted_disk() { # NAME TO
  case $1 in
  recovery | no-key | wrong-key) copy "$crypt_dir/made.raw" "$2" ;;
  lookalike) matrix_single dos 7 lookalike "$2" ;;
  *) copy "$crypt_dir/$1.raw" "$2" ;;
  esac
}

# ext4 with debugfs's commands carried out on it
matrix_debugfs() { # TO COMMAND...
  local to=$1 command
  shift
  copy "$matrix_new/ext4.raw" "$to"
  for command; do
    debugfs -w -R "$command" "$to" >/dev/null 2>&1
  done
}

matrix_linux_disk() { # NAME TO
  local to=$2 ext4=$matrix_new/ext4.raw
  case $1 in
  ext4) copy "$ext4" "$to" ;;
  mbr) matrix_single dos 83 ext4 "$to" ;;
  extended) matrix_extended "$ext4" 83 "$to" ;;
  gpt) matrix_single gpt L ext4 "$to" ;;
  lvm) matrix_single gpt "$lvm_type" lvm "$to" ;;
  boot)
    images_partitioned gpt single boot L no-boot L
    mv "$matrix_new/single.raw" "$to"
    ;;
  two)
    images_partitioned gpt single ext4 L ext4 L
    mv "$matrix_new/single.raw" "$to"
    ;;
  qcow2) qemu-img convert -O qcow2 "$ext4" "$to" ;;
  xfs | btrfs) copy "$matrix_new/$1.raw" "$to" ;;
  luks-no-key) copy "$crypt_dir/luks2.raw" "$to" ;;
  luks-cut) copy "$images_dir/luks.raw" "$to" ;;
  luks*) copy "$crypt_dir/$1.raw" "$to" ;;
  dirty) matrix_debugfs "$to" 'feature needs_recovery' 'ssv state 0' ;;
  errors) matrix_debugfs "$to" 'ssv state 2' ;;
  superblock)
    copy "$ext4" "$to"
    overwrite /dev/zero 1024 "$to" 1024
    ;;
  full) copy "$matrix_new/full.raw" "$to" ;;
  no-grub) matrix_debugfs "$to" 'rm /boot/grub/grub.cfg' ;;
  no-fstab) matrix_debugfs "$to" 'rm /etc/fstab' ;;
  binary)
    noise 05 4000 >"$matrix_new/noise"
    matrix_debugfs "$to" 'rm /etc/fstab' 'rm /etc/ssh/sshd_config' \
      "write $matrix_new/noise /etc/fstab" \
      "write $matrix_new/noise /etc/ssh/sshd_config"
    ;;
  no-inode) copy "$matrix_new/no-inode.raw" "$to" ;;
  append) matrix_debugfs "$to" 'sif /etc/systemd/system flags 0x80020' ;;
  immutable) matrix_debugfs "$to" 'sif /etc/ssh/sshd_config flags 0x80010' ;;
  link) copy "$matrix_new/link.raw" "$to" ;;
  repaired) copy "$matrix_new/repaired-linux.raw" "$to" ;;
  esac
}

matrix_no_system_disk() { # NAME TO
  local to=$2 new=$matrix_new
  case $1 in
  data) matrix_single dos 7 data "$to" ;;
  vfat)
    truncate -s 16M "$new/fat.raw"
    mkfs.vfat -i 1234abcd "$new/fat.raw" >/dev/null
    matrix_single dos c fat "$to"
    ;;
  swap)
    truncate -s 8M "$new/swap.raw"
    mkswap -q "$new/swap.raw"
    matrix_single gpt S swap "$to"
    ;;
  no-volume)
    truncate -s 8M "$to"
    sfdisk --quiet "$to" <<<'label: gpt'
    ;;
  zeroes) truncate -s 4M "$to" ;;
  noise) noise 06 2M >"$to" ;;
  empty) : >"$to" ;;
  text) echo 'Dear diary' >"$to" ;;
  truncated)
    matrix_single gpt "$ntfs_type" plain "$to"
    truncate -s 12M "$to"
    ;;
  odd-size)
    copy "$new/plain.raw" "$to"
    truncate -s +100 "$to"
    ;;
  cut-qcow2)
    qemu-img convert -O qcow2 "$new/plain.raw" "$to"
    truncate -s 1M "$to"
    ;;
  no-backing)
    copy "$new/plain.raw" "$new/gone.raw"
    qemu-img create -q -f qcow2 -F raw -b "$new/gone.raw" "$to"
    qemu-img rebase -u -F raw -b gone.raw -f qcow2 "$to"
    ;;
  as-raw) qemu-img create -q -f qcow2 "$to" 8M ;;
  as-qcow2) copy "$new/plain.raw" "$to" ;;
  esac
}

# As many empty files as there are inodes left.
matrix_no_inode() { # TREE UUID
  local to=$matrix_new/no-inode.raw i free
  truncate -s 24M "$to"
  mke2fs -q -t ext4 -N 64 -U "$2" -d "$1" "$to"
  free=$(dumpe2fs -h "$to" 2>/dev/null | sed -n 's/^Free inodes: *//p')
  : >"$matrix_new/nothing"
  for ((i = 0; i < free; i++)); do
    echo "write $matrix_new/nothing /home/$i"
  done | debugfs -w -f - "$to" >/dev/null 2>&1
}

# Folders that become ext4 volumes on the host.
matrix_ext4s() {
  local new=$matrix_new v uuid=$linux_root_uuid
  linux_ext4 "$new/ext4.raw" "$new/tree" "$uuid"
  copy "$new/ext4.raw" "$new/full.raw"
  debugfs -w -R "write $new/filler /filler" "$new/full.raw" >/dev/null 2>&1 || true
  e2fsck -fp "$new/full.raw" >/dev/null || (($? == 1))
  matrix_no_inode "$new/tree" "$uuid"
  cp -a "$new/tree" "$new/link"
  mv "$new/link/etc/ssh" "$new/link/etc/elsewhere"
  ln -s elsewhere "$new/link/etc/ssh"
  linux_ext4 "$new/link.raw" "$new/link" "$uuid"
  cp -a "$new/tree" "$new/good"
  echo "UUID=$uuid / ext4 defaults 0 1" >"$new/good/etc/fstab"
  rm "$new/good/etc/nologin"
  printf 'Port 22\nPubkeyAuthentication yes\n' >"$new/good/etc/ssh/sshd_config"
  printf "menuentry 'only' {\n\tlinux\t/boot/vmlinuz-6.1.0-18 ro\n}\n" \
    >"$new/good/boot/grub/grub.cfg"
  rm -r "$new/good/var/log"
  linux_ext4 "$new/repaired-linux.raw" "$new/good" "$uuid"
  # /boot apart
  mkdir -p "$new"/boot/{grub2,loader/entries}
  for v in 5.14.0-1 5.14.0-70 5.14.0-362; do
    echo "title $v" >"$new/boot/loader/entries/abc-$v.el9.x86_64.conf"
  done
  echo '# blscfg' >"$new/boot/grub2/grub.cfg"
  {
    printf '# GRUB Environment Block\nsaved_entry=abc-5.14.0-362.el9.x86_64\n'
    head -c 1024 /dev/zero | tr '\0' '#'
  } | head -c 1024 >"$new/boot/grub2/grubenv"
  linux_ext4 "$new/boot.raw" "$new/boot" "$linux_boot_uuid" 8
  cp -a "$new/tree" "$new/no-boot"
  rm -r "$new/no-boot/boot/grub"
  linux_ext4 "$new/no-boot.raw" "$new/no-boot" "$uuid" 16
}

matrix_disks() {
  local name format to
  head -c 30M /dev/zero | tr '\0' x >"$matrix_new/filler"
  matrix_ext4s
  copy "$hives_dir/esp.raw" "$matrix_new/esp.raw"
  copy "$images_dir/data.raw" "$matrix_new/data.raw"
  copy "$images_dir/bitlocker.raw" "$matrix_new/bitlocker.raw"
  images_new=$matrix_new
  images_lookalike lookalike 0 '\xeb\x58\x90-FVE-FS-'
  while IFS='|' read -r name format _; do
    to=$matrix_new/disks/$name.$format
    case $name in
    w-*) matrix_windows_disk "${name#*-}" "$to" ;;
    e-*) matrix_encrypted_disk "${name#*-}" "$to" ;;
    l-*) matrix_linux_disk "${name#*-}" "$to" ;;
    d-*) matrix_no_system_disk "${name#*-}" "$to" ;;
    esac
    [[ -f $to ]] || fail "$name was not made"
  done < <(matrix_here)
  rm -rf "${matrix_new:?}"/{filler,tree,link,good,boot,no-boot,tree.tar} \
    "$matrix_new"/*.raw
}
