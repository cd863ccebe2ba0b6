# shellcheck shell=bash
# lib-matrix.sh - the disks of disk-matrix.sh: many situations, small images
#
#   . "$(dirname "$0")/lib-matrix.sh"   # after functions.sh and lib-images,
#                                       # -hives, -linux and -bitlocker
#   matrix_make                         # once; kept in the build folder
#   matrix_rows                         # NAME|FORMAT|DESCRIPTION, a line each
#   matrix_here                         # those of this machine and this run
#   matrix_image NAME [FOLDER]          # a fresh copy: FOLDER/NAME.FORMAT
#
# A row's first letter is its table: w (Windows), e (encrypted), l (Linux), d
# (disks without a system to repair).  Volumes come from one appliance or from
# what lib-images, lib-hives and lib-bitlocker have made; partition tables,
# damage and what a crash leaves are put there on the host.
# shellcheck disable=SC2154  # from functions.sh and the other libraries
# shellcheck disable=SC2034  # images_new, of lib-images.sh

matrix_rows() {
  cat <<'END'
w-whole|raw|NTFS on the whole disk
w-mbr|raw|MBR, one partition
w-mbr-second|raw|MBR, Windows on the second NTFS partition
w-extended|raw|MBR, Windows on a logical drive of an extended partition
w-gpt-efi|raw|GPT with an EFI system partition that holds the BCD
w-gpt-backup|raw|GPT whose first copy is lost; the one at the end is good
w-qcow2|qcow2|qcow2
w-backing|qcow2|qcow2 with a backing file
w-case|raw|all names in other letter case
w-dirty-1|raw|crashed: $LogFile 1.1 not closed
w-dirty-2|raw|crashed: $LogFile 2.0 (Windows 8 and later, Server 2012 and later)
w-log-committed|raw|crashed: $LogFile 2.0 with a committed transaction
w-log-open|raw|crashed: $LogFile 2.0 with a transaction that was not committed
w-log-torn|raw|crashed: $LogFile 2.0 with a page that is half written
w-dirty-random|raw|$LogFile overwritten with noise
w-chkdsk|raw|volume marked for chkdsk
w-hibernated|raw|hibernated, or fast startup
w-mftmirr|raw|$MFTMirr differs from $MFT
w-mftmirr-second|raw|MBR, $MFTMirr of the second volume, which has Windows, differs
w-boot-sector|raw|MBR, boot sector of the volume lost, its copy at the end good
w-boot-both|raw|MBR, boot sector and its copy lost
w-root-record|raw|MFT record of the root folder lost
w-index|raw|index of the CrowdStrike folder damaged
w-hive-new|raw|SYSTEM dirty, logs of Windows 8.1 and later
w-hive-split|raw|SYSTEM dirty, its changes in both logs
w-hive-old|raw|SYSTEM dirty, log of Windows 7 and before
w-hive-later|raw|SYSTEM dirty, its log starts too late to be replayed
w-hive-damaged|raw|SYSTEM damaged, a good copy in RegBack
w-hive-short|raw|SYSTEM cut off, a good copy in RegBack
w-hive-empty|raw|SYSTEM empty, a good copy in RegBack
w-hive-both|raw|SYSTEM damaged, its copy in RegBack too
w-bcd-damaged|raw|BCD damaged
w-names|raw|channel file beside names of 255 characters, Cyrillic, CJK, emoji
w-attributes|raw|channel file read-only, hidden, system
w-compressed|raw|channel file and hive in compressed folders
w-sparse|raw|channel file sparse, 64 MiB
w-streams|raw|channel file with an alternate stream and a second name
w-many|raw|60 channel files, 20 of them bad
w-reparse|raw|the CrowdStrike folder is a link to another folder
w-repaired|raw|no bad channel file, no pending.xml, folder and hives as before
w-tpm|raw|C: open, D: with BitLocker and a TPM (look-alike)
w-linux|raw|Windows and Linux on one disk
w-two|raw|two Windows on one disk
e-recovery|raw|BitLocker, recovery password given
e-no-key|raw|BitLocker, no key given
e-wrong-key|raw|BitLocker, recovery password mistyped
e-clear|raw|BitLocker suspended (clear key)
e-tpm|raw|BitLocker with a TPM alone
e-xts|raw|BitLocker XTS-AES 128 (genuine)
e-xts-new|raw|BitLocker with metadata entries of recent Windows (genuine)
e-cbc4k|raw|BitLocker AES-CBC, 4 KiB sectors (genuine)
e-elephant|raw|BitLocker AES-CBC with Elephant diffuser, password (genuine)
e-win11|raw|BitLocker of Windows 11, startup key (genuine)
e-eow|raw|BitLocker encrypt-on-write, not yet activated (genuine)
e-half|raw|BitLocker half encrypted (genuine)
e-version|raw|BitLocker metadata of an unknown version (genuine)
e-damaged|raw|BitLocker, the first of three metadata blocks lost (genuine)
e-lookalike|raw|BitLocker's signature and nothing behind it
l-ext4|raw|ext4 on the whole disk
l-mbr|raw|MBR, ext4
l-extended|raw|MBR, ext4 on a logical drive
l-gpt|raw|GPT, ext4
l-boot|raw|GPT, a /boot of its own with BLS entries
l-qcow2|qcow2|qcow2, ext4
l-xfs|raw|xfs
l-btrfs|raw|btrfs, root in the subvolume @
l-lvm|raw|GPT, LVM, ext4
l-luks2|raw|LUKS2, ext4, passphrase given
l-luks1|raw|LUKS1, LVM, ext4, key file given
l-luks-no-key|raw|LUKS2, no key given
l-luks-cut|raw|LUKS2 signature and nothing behind it
l-dirty|raw|ext4 that was not unmounted, journal to be replayed
l-errors|raw|ext4 marked as having errors
l-superblock|raw|ext4, first superblock lost
l-full|raw|ext4 without a free block
l-no-inode|raw|ext4 without a free inode
l-no-grub|raw|no grub.cfg
l-no-fstab|raw|no /etc/fstab
l-binary|raw|/etc/fstab and sshd_config overwritten with noise
l-immutable|raw|sshd_config immutable
l-append|raw|/etc/systemd/system append-only
l-link|raw|/etc/ssh is a link to another folder
l-repaired|raw|nothing wrong with fstab and sshd, newest kernel the only one
l-two|raw|two Linux systems on one disk
d-data|raw|NTFS without a system
d-vfat|raw|vfat without a system
d-swap|raw|a swap partition alone
d-no-volume|raw|GPT without a partition
d-zeroes|raw|zeroes only
d-noise|raw|noise only
d-empty|raw|a file of no bytes
d-text|raw|a text file
d-truncated|raw|cut off in the middle of its last partition
d-odd-size|raw|not a multiple of 512 bytes
d-cut-qcow2|qcow2|qcow2 cut off
d-no-backing|qcow2|qcow2 whose backing file is gone
d-as-raw|raw|qcow2 called raw
d-as-qcow2|qcow2|raw called qcow2
END
}

# Rows of the long run: what another test shows, too (disk-ops-dirty-ntfs.sh,
# -registry.sh, -undo.sh, bitlocker.sh, linux-recipes.sh), or another row of the
# same driver.
matrix_long=(w-mbr w-qcow2 w-dirty-1 w-dirty-random w-chkdsk w-log-committed
  w-log-open w-hive-new w-hive-old w-hive-short w-hive-empty w-attributes
  w-compressed w-sparse w-streams w-many e-wrong-key e-xts e-xts-new e-cbc4k
  e-elephant e-win11 e-eow e-damaged l-ext4 l-mbr l-gpt l-qcow2 l-xfs l-lvm
  l-luks2 l-luks1 l-errors l-no-fstab l-binary)
matrix_all=${matrix_all:-${BOOTMEND_TEST_LONG:-}}

# What has to be made in the appliance, as far as a row wants it.
matrix_specials=() matrix_linuxes=()
matrix_wanted() {
  local name row
  for name in case names attributes compressed sparse streams many reparse \
    repaired; do
    row=w-$name
    [[ $name != many ]] || row=w-index
    [[ -z $matrix_all && " ${matrix_long[*]} " == *" $row "* ]] ||
      matrix_specials+=("$name")
  done
  for name in xfs btrfs lvm; do
    [[ -z $matrix_all && " ${matrix_long[*]} " == *" l-$name "* ]] ||
      matrix_linuxes+=("$name")
  done
}
matrix_wanted

matrix_version=$(cat "${BASH_SOURCE[0]%.sh}"{,-disks}.sh \
  "$source_dir/tests/integration/lib-linux.sh" \
  "$build_dir"/bin/{ntfs-crash,hive-tool} <(echo "$images_version $hives_version \
  $crypt_dir") | sha256sum | cut -c1-16)
matrix_dir=$build_dir/test-matrix/$matrix_version${matrix_all:+-all}

### what needs an appliance: the volumes

matrix_winsxs=amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348.2_none_0b

# The hives and all that the recipes look for.
matrix_windows() { # DEVICE
  local hive from=$hives_dir/clean config=/Windows/System32/config
  images_new=$matrix_new images_windows "$1" Windows System32 drivers CrowdStrike
  cat <<END
mkdir $config/RegBack
mkdir-p /Windows/WinSxS/$matrix_winsxs
write /Windows/WinSxS/$matrix_winsxs/svchost.exe "MZ newer"
write /Windows/WinSxS/pending.xml "<PendingTransaction/>"
mkdir /Boot
upload $from/BCD /Boot/BCD
upload $from/SYSTEM $config/RegBack/SYSTEM
END
  for hive in SYSTEM SOFTWARE COMPONENTS; do
    echo "upload $from/$hive $config/$hive"
  done
}

matrix_other_case() {
  cat <<'END'
mv /Windows/System32/config/SYSTEM /Windows/System32/config/system_
mv /Windows/System32/config/system_ /Windows/System32/config/system
mv /Windows/System32/config /Windows/System32/config_
mv /Windows/System32/config_ /Windows/System32/CONFIG
mv /Windows/System32/drivers/CrowdStrike /Windows/System32/drivers/C
mv /Windows/System32/drivers/C /Windows/System32/drivers/CROWDSTRIKE
mv /Windows/System32/drivers /Windows/System32/d
mv /Windows/System32/d /Windows/System32/Drivers
mv /Windows/System32 /Windows/s
mv /Windows/s /Windows/SYSTEM32
mv /Windows /w
mv /w /WINDOWS
mv /Boot /b
mv /b /boot
END
}

matrix_bad_file() { # PATH
  echo "upload $matrix_new/bad.sys \"$1\""
  echo "utimens \"$1\" $bad_time 1234500 $bad_time 1234500"
}

matrix_special() { # DEVICE NAME: mounted, a full Windows
  local top=/Windows/System32/drivers/CrowdStrike i long
  local bad=$top/C-00000291-00000000-00000032.sys
  case $2 in
  case) matrix_other_case ;;
  names)
    long=$(printf '%0251d.sys' 0)
    for i in "C-00000291-$(printf '%0240d' 0).sys" "$long" 'драйвер.sys' '驱动程序.sys' '💥.sys'; do
      matrix_bad_file "$top/$i"
    done
    matrix_bad_file "$top/C-00000291-ёж-驱动-💥.sys"
    ;;
  attributes)
    echo "debug sh \"setfattr -h -n system.ntfs_attrib_be -v 0x00000027 /sysroot$bad\""
    ;;
  compressed)
    echo "debug sh \"setfattr -h -n system.ntfs_attrib_be -v 0x00000830 /sysroot$top\""
    echo "debug sh \"setfattr -h -n system.ntfs_attrib_be -v 0x00000830 /sysroot/Windows/System32/config\""
    echo umount-all
    echo "mount-options compression $1 /"
    echo "rm $bad"
    matrix_bad_file "$bad"
    echo "rm /Windows/System32/config/SOFTWARE"
    echo "upload $hives_dir/clean/SOFTWARE /Windows/System32/config/SOFTWARE"
    ;;
  sparse)
    echo "truncate-size $bad 67108864"
    echo "utimens $bad $bad_time 1234500 $bad_time 1234500"
    ;;
  streams)
    echo "debug sh \"setfattr -h -n user.Zone.Identifier -v 0x5a6f6e65 /sysroot$bad\""
    echo "ln $bad $top/second-name.sys"
    echo "utimens $bad $bad_time 1234500 $bad_time 1234500"
    ;;
  many)
    for ((i = 100; i < 160; i++)); do
      if ((i % 3)); then
        echo "upload $matrix_new/good.sys $top/C-00000291-00000000-00000$i.sys"
      else
        matrix_bad_file "$top/C-00000291-00000000-00000$i.sys"
      fi
    done
    ;;
  reparse)
    echo "mv $top /elsewhere"
    echo "ln-s /elsewhere $top"
    ;;
  repaired)
    echo "rm $bad"
    echo "rm $top/C-00000291-00000000-00000034.sys"
    echo "rm /Windows/WinSxS/pending.xml"
    ;;
  esac
}

# The second run: on copies of the plain one, which takes least time.
matrix_script() {
  local i=0 name dev letters=abcdefghijklmnop
  echo run
  for name in "${matrix_specials[@]}"; do
    dev=/dev/sd${letters:i:1}
    i=$((i + 1))
    echo "mount $dev /"
    matrix_special "$dev" "$name"
    echo umount-all
  done
  for name in "${matrix_linuxes[@]}"; do
    dev=/dev/sd${letters:i:1}
    i=$((i + 1))
    case $name in
    xfs) echo "mount $dev /" ;;
    btrfs)
      printf '%s\n' "mkfs btrfs $dev" "mount $dev /" \
        'btrfs-subvolume-create /@' 'btrfs-subvolume-create /home' umount-all \
        "mount-options subvol=@ $dev /"
      ;;
    lvm)
      printf '%s\n' "pvcreate $dev" "vgcreate vg0 $dev" 'lvcreate root vg0 32' \
        'mkfs ext4 /dev/vg0/root' 'mount /dev/vg0/root /'
      ;;
    esac
    printf '%s\n' "tar-in $matrix_new/tree.tar / xattrs:true selinux:true" \
      umount-all
  done
  echo 'vg-activate-all false'
}

matrix_volumes() {
  local drives=() name
  images_new=$matrix_new
  images_header x bad.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header y good.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header z other.sys '\xbb\xbb\xbb\xbb\x01\x00\x23\x01'
  linux_tree "$matrix_new/tree"
  tar -C "$matrix_new/tree" --xattrs --xattrs-include='*' -cf \
    "$matrix_new/tree.tar" .
  truncate -s 24M "$matrix_new/plain.raw"
  { echo run && matrix_windows /dev/sda && echo umount-all; } >"$matrix_new/script"
  guestfish --format=raw -a "$matrix_new/plain.raw" <"$matrix_new/script" ||
    fail "guestfish: matrix, plain"
  for name in "${matrix_specials[@]}"; do
    cp --sparse=always "$matrix_new/plain.raw" "$matrix_new/$name.raw"
    drives+=(--format=raw -a "$matrix_new/$name.raw")
  done
  for name in "${matrix_linuxes[@]}"; do
    case $name in
    xfs) truncate -s 320M "$matrix_new/xfs.raw" && mkfs.xfs -q "$matrix_new/xfs.raw" ;;
    btrfs) truncate -s 128M "$matrix_new/btrfs.raw" ;;
    lvm) truncate -s 48M "$matrix_new/lvm.raw" ;;
    esac
    drives+=(--format=raw -a "$matrix_new/$name.raw")
  done
  matrix_script >"$matrix_new/script"
  guestfish "${drives[@]}" <"$matrix_new/script" || fail "guestfish: matrix"
}

matrix_make() {
  requires guestfish sfdisk qemu-img mkfs.xfs mke2fs debugfs setfattr ntfscp \
    ntfsfix ntfslabel mkfs.vfat mkswap
  hives_make
  crypt_make
  mkdir -p "$build_dir/test-matrix"
  (
    flock 9
    [[ -d $matrix_dir ]] && exit 0
    rm -rf "$build_dir"/test-matrix/new
    matrix_new=$build_dir/test-matrix/new
    mkdir -p "$matrix_new/disks"
    matrix_volumes
    matrix_disks
    mv "$matrix_new" "$matrix_dir"
  ) 9>"$build_dir/test-matrix/lock" || exit 1
  mkdir -p "$work/disks"
}

# Rows of this machine and this run: those whose volumes are there.
matrix_here() {
  local row name
  matrix_rows | while read -r row; do
    name=${row%%|*}
    [[ -n $matrix_all || " ${matrix_long[*]} " != *" $name "* ]] || continue
    [[ $row != *'(genuine)' || -f $crypt_dir/${name#e-}.raw ]] || continue
    echo "$row"
  done
}

matrix_image() {
  local to=${2:-$work/disks} file
  for file in "$matrix_dir/disks/$1."{raw,qcow2}; do
    [[ -e $file ]] && cp -p --sparse=always "$file" "$to/${file##*/}"
  done
  [[ $1 != w-backing ]] || cp --sparse=always "$matrix_dir/disks/backing.base" "$to/"
}
