# shellcheck shell=bash
# lib-images.sh - small disk images of every kind, for tests of disk operations
#
#   . "$(dirname "$0")/lib-images.sh"      # after functions.sh
#   images_make                            # once; kept in the build folder
#   image NAME [COPY]                      # a fresh copy: $work/disks/COPY.raw
#
# All volumes are made in one appliance; partition tables are put around them
# on the host. What is on them:
#   win        NTFS with a Windows: a bad channel file 291, a good one, one with
#              the bad one's time but another header, and other files
#   wincase    the same names in other letter case
#   winlink    drivers/CrowdStrike is a symbolic link
#   winhiber   win with a hibernated hiberfil.sys
#   data       NTFS without a system
#   kept       NTFS without a system, what lib-kept.sh puts there; $images_dir/kept
#              is what kept_facts says of it
#   ext4 xfs btrfs vfat lvm   a Linux root (btrfs: in the subvolume @; vfat: none)
# shellcheck disable=SC2154  # from functions.sh

# shellcheck source=/dev/null
. "$source_dir/tests/guestfish.sh"
# shellcheck source=/dev/null
. "$source_dir/tests/integration/lib-kept.sh"
images_version=$(cat "${BASH_SOURCE[0]}" "$build_dir/bin/ntfs-crash" \
  "$source_dir/tests/integration/lib-kept.sh" | sha256sum | cut -c1-16)
images_dir=$build_dir/test-images/$images_version
bad_time=1721362500  # 2024-07-19T04:15:00Z
good_time=1721367000 # 2024-07-19T05:30:00Z

# header FILE BYTES...: a file of 40 KiB that starts with these bytes
images_header() {
  head -c 40960 /dev/zero | tr '\0' "$1" >"$images_new/$2"
  printf '%b' "$3" | dd of="$images_new/$2" conv=notrunc status=none
}

# The commands that fill the Windows volume of one device.
images_windows() { # DEVICE WINDOWS SYSTEM32 DRIVERS CROWDSTRIKE
  local top=/$2/$3/$4/$5
  cat <<END
mkfs ntfs $1
mount $1 /
mkdir-p $top
mkdir-p /$2/$3/config
upload $images_new/bad.sys $top/C-00000291-00000000-00000032.sys
utimens $top/C-00000291-00000000-00000032.sys $bad_time 1234500 $bad_time 1234500
upload $images_new/good.sys $top/C-00000291-00000000-00000033.sys
utimens $top/C-00000291-00000000-00000033.sys $good_time 0 $good_time 0
upload $images_new/other.sys $top/C-00000291-00000000-00000034.sys
utimens $top/C-00000291-00000000-00000034.sys $bad_time 0 $bad_time 0
upload $images_new/other.sys $top/C-00000285-00000000-00000001.sys
END
}

images_linux() { # mounted at /
  cat <<END
mkdir-p /etc/app
mkdir-p /usr/lib
write /etc/fstab "UUID=none / auto defaults 0 1\n"
write /usr/lib/os-release "PRETTY_NAME=\"Test Linux 12 (small)\"\n"
write /etc/app/old.conf "old\n"
write /etc/app/keep.conf "keep\n"
write /etc/app/mode.conf "mode\n"
chmod 0640 /etc/app/mode.conf
chown 12 34 /etc/app/mode.conf
utimens /etc/app/mode.conf 1600000000 5 1600000001 7
ln-s /etc/app /etc/link
END
}

images_script() {
  echo run
  images_windows /dev/sda Windows System32 drivers CrowdStrike
  echo umount-all
  images_windows /dev/sdb WINDOWS system32 DRIVERS crowdSTRIKE
  cat <<END
umount-all
mkfs ntfs /dev/sdc
mount /dev/sdc /
mkdir-p /Windows/System32/drivers
mkdir /elsewhere
upload $images_new/bad.sys /elsewhere/C-00000291-00000000-00000032.sys
ln-s /elsewhere /Windows/System32/drivers/CrowdStrike
umount-all
copy-device-to-device /dev/sda /dev/sdd sparse:true
mount /dev/sdd /
upload $images_new/hiber /hiberfil.sys
umount-all
mkfs ntfs /dev/sde label:Daten
mount /dev/sde /
mkdir /Users
umount-all
mkfs ext4 /dev/sdf
mount /dev/sdf /
END
  images_linux
  cat <<END
lsetxattr security.selinux "system_u:object_r:etc_t:s0" 27 /etc/app/mode.conf
umount-all
mount /dev/sdg /
END
  images_linux
  cat <<END
umount-all
mkfs btrfs /dev/sdh
mount /dev/sdh /
btrfs-subvolume-create /@
btrfs-subvolume-create /home
umount-all
mount-options subvol=@ /dev/sdh /
END
  images_linux
  cat <<END
umount-all
mkfs vfat /dev/sdi
mount /dev/sdi /
mkdir-p /etc/app
write /etc/app/old.conf "old\n"
write /etc/app/keep.conf "keep\n"
write /etc/app/mode.conf "mode\n"
umount-all
pvcreate /dev/sdj
vgcreate vg0 /dev/sdj
lvcreate root vg0 24
mkfs ext4 /dev/vg0/root
mount /dev/vg0/root /
END
  images_linux
  echo umount-all
  echo 'vg-activate-all false'
  kept_script /dev/sdk
  echo 'mount-ro /dev/sdk /'
  for folder in '' /renamed /parked /deleted; do
    kept_facts "/Kept$folder"
  done
  echo umount-all
}

# part TABLE OUT VOLUME TYPE...: a disk with these volumes as partitions, from
# 1 MiB on
images_partitioned() {
  local table=$1 out=$images_new/$2.raw at=2048 script size
  shift 2
  script="label: $table"$'\n'
  local volumes=()
  while (($#)); do
    size=$(($(stat -c %s "$images_new/$1.raw") / 512))
    script+="start=$at, size=$size, type=$2"$'\n'
    volumes+=("$1:$at")
    at=$((at + size + 2048))
    shift 2
  done
  truncate -s $((at * 512)) "$out"
  sfdisk --quiet "$out" <<<"$script"
  for v in "${volumes[@]}"; do
    dd if="$images_new/${v%:*}.raw" of="$out" bs=512 seek="${v#*:}" \
      conv=notrunc,sparse status=none
  done
}

# A volume that only looks like something encrypted.
images_lookalike() { # NAME OFFSET BYTES
  truncate -s 4M "$images_new/$1.raw"
  printf '%b' "$3" | dd of="$images_new/$1.raw" bs=1 seek="$2" conv=notrunc \
    status=none
}

images_build() {
  local volumes=(win:24M wincase:24M winlink:24M winhiber:24M data:16M ext4:16M
    xfs:320M btrfs:128M vfat:16M lvm:40M kept:24M)
  local drives=() v
  images_header x bad.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header y good.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header z other.sys '\xbb\xbb\xbb\xbb\x01\x00\x23\x01'
  images_header h hiber 'hibr'
  for v in "${volumes[@]}"; do
    truncate -s "${v#*:}" "$images_new/${v%:*}.raw"
    drives+=(--format=raw -a "$images_new/${v%:*}.raw")
  done
  # Debian's appliance mounts xfs, but has no tools for it
  mkfs.xfs -q "$images_new/xfs.raw"
  images_script >"$images_new/script"
  guestfish "${drives[@]}" <"$images_new/script" >"$images_new/kept" ||
    fail "guestfish: images"
  images_lookalike luks 0 'LUKS\xba\xbe\x00\x02'
  images_lookalike bitlocker 0 '\xeb\x58\x90-FVE-FS-'
  images_partitioned gpt gpt-win win EBD0A0A2-B9E5-4433-87C0-68B6B72699C7
  images_partitioned dos mbr-win data 7 win 7
  images_partitioned dos mbr-hiber winhiber 7
  images_partitioned dos two-win win 7 win 7
  images_partitioned dos no-os data 7
  images_partitioned gpt gpt-ext4 ext4 L
  images_partitioned gpt gpt-lvm lvm E6D6D379-F507-44C2-A23C-238F2A3DF928
  images_partitioned gpt crypt-luks luks L
  images_partitioned dos crypt-bitlocker data 7 bitlocker 7
  ntfs-crash "$images_new/gpt-win.raw" $((2048 * 512)) 2
  ntfs-crash "$images_new/mbr-win.raw" $(((2048 + 32768 + 2048) * 512)) 1
  ntfs-crash "$images_new/wincase.raw" 0 1 clean
  ntfs-crash "$images_new/mbr-hiber.raw" $((2048 * 512)) 2
}

# What works on these disks needs no look at KVM each time.
export LIBGUESTFS_BACKEND=direct
if [[ -n $guestfish_settings ]]; then
  export LIBGUESTFS_BACKEND_SETTINGS=$guestfish_settings
fi

images_make() {
  requires guestfish sfdisk jq qemu-img mkfs.xfs
  mkdir -p "$build_dir/test-images"
  (
    flock 9
    [[ -d $images_dir ]] && exit 0
    rm -rf "$build_dir"/test-images/*/
    images_new=$build_dir/test-images/new
    mkdir -p "$images_new"
    images_build
    mv "$images_new" "$images_dir"
  ) 9>"$build_dir/test-images/lock" || exit 1
  mkdir -p "$work/disks"
}

image() {
  cp --sparse=always "$images_dir/$1.raw" "$work/disks/${2:-$1}.raw"
}

# hashes: of all disks in work, "SHA256  NAME"
hashes() {
  (cd "$work/disks" && sha256sum -- *)
}
