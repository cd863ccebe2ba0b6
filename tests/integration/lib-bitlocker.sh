# shellcheck shell=bash
# lib-bitlocker.sh - encrypted disks with a Windows or Linux to repair
#
#   . "$(dirname "$0")/lib-bitlocker.sh"    # after functions.sh, lib-images.sh
#   crypt_make                              # once; kept in the build folder
#   crypt_image NAME                        # a fresh copy: $work/disks/NAME.raw
#   crypt_genuine                           # true: the genuine ones are there
#
# Genuine BitLocker volumes, made by Windows, come with the sources of Debian's
# cryptsetup; BOOTMEND_TEST_BITLOCKER names a folder that has them already
# (bitlk-*.img, *.BEK).  They are empty: an NTFS is made in them, through the
# table that bitlocker-tool prints.  The others are made from nothing:
#   made       GPT, a volume with recovery password, password, startup key, TPM
#   clear      TPM and clear key: protection is suspended
#   tpm        TPM alone
#   luks2      passphrase, ext4
#   luks1      key file with zero bytes, LVM with ext4 in it
#   xts xts-new cbc4k elephant win11   genuine; win11 has a startup key, and
#              xts-new entries that no cryptsetup knows; cbc4k and elephant
#              only with BOOTMEND_TEST_LONG
#   eow half version damaged           genuine, and to be refused; of `damaged`
#              only the first metadata block is lost
# shellcheck disable=SC2154  # from functions.sh, lib-images.sh
# shellcheck disable=SC2034  # keys, for the tests

made_recovery=000011-000022-000033-000044-000055-000066-000077-720885
luks_pass='correct horse'
xts_recovery=235818-357951-253979-013365-241120-245575-342914-591910
xts_guid=64311DEA-4587-4029-924A-BA299647998E
crypt_password=anaconda # of all genuine ones
win11_bek=AA80A52B-9B66-47AE-B097-33F536FFBB07.BEK
genuine=(aes-xts-128:xts aes-xts-128:xts-new
  aes-xts-128-startup-key-win11:win11)
if [[ -n ${BOOTMEND_TEST_LONG:-} ]]; then
  genuine+=(aes-cbc-128-4k:cbc4k aes-cbc-elephant-128:elephant)
fi

crypt_version=$(cat "${BASH_SOURCE[0]}" "$build_dir/bin/bitlocker-tool" |
  sha256sum | cut -c1-16)
crypt_dir=$build_dir/test-images-crypt/$crypt_version${BOOTMEND_TEST_LONG:+-long}
crypt_source=${BOOTMEND_TEST_BITLOCKER:-$build_dir/test-images-crypt/genuine}

# The package's sources, from where this machine has its packages from, with
# lists of packages of our own.
crypt_download() {
  local to=$build_dir/test-images-crypt/download uri options
  # shellcheck disable=SC2016 # apt's own variable
  uri=$(apt-get indextargets --format '$(REPO_URI)' 'Created-By: Packages' \
    2>/dev/null | grep -v security | grep -m 1 /debian/) || return 1
  rm -rf "$to"
  mkdir -p "$to/lists/partial" "$to/cache/archives/partial"
  # shellcheck source=/dev/null
  echo "deb-src ${uri%/} $(. /etc/os-release && echo "$VERSION_CODENAME") main" \
    >"$to/sources.list"
  options=(-o "Dir::Etc::SourceList=$to/sources.list"
    -o Dir::Etc::SourceParts=/dev/null -o "Dir::State::Lists=$to/lists"
    -o "Dir::Cache=$to/cache" -o APT::Sandbox::User=root)
  (
    cd "$to"
    timeout 120 apt-get "${options[@]}" -qq update &&
      timeout 120 apt-get "${options[@]}" -qq source --download-only cryptsetup
    tar -xzf cryptsetup_*.orig.tar.gz --wildcards '*/bitlk-images.tar.xz'
    mkdir -p "$crypt_source.new"
    tar -xJf ./*/tests/bitlk-images.tar.xz --strip-components=1 \
      -C "$crypt_source.new"
  ) >"$build_dir/test-images-crypt/download.log" 2>&1 || return 1
  mv "$crypt_source.new" "$crypt_source"
  rm -rf "$to"
}

crypt_genuine() {
  [[ -f $crypt_dir/xts.raw ]]
}

# DEVICE-IN-THE-APPLIANCE FILE AT KEY MAPPING: guestfish's command to open it
crypt_open() {
  local table size
  size=$(($(stat -c %s "$2") - 2 * $3)) # what is before a partition is after it
  table=$(bitlocker-tool table "$2" "$3" "$size" "$4" "$1" | base64 -w0)
  echo "debug sh \"echo $table | base64 -d | dmsetup create $5\""
}

crypt_copy_genuine() {
  local pair
  for pair in "${genuine[@]}" aes-xts-128-eow:eow; do
    cp --sparse=always "$crypt_source/bitlk-${pair%:*}.img" \
      "$images_new/${pair#*:}.raw"
  done
  bitlocker-tool new-entry "$images_new/xts-new.raw" 0
}

# Drives of the set-up, in order: their letters are counted.
crypt_script() {
  local letters=(a b c d e f g h i j k l)
  local i=0 name key device at
  # commands in the appliance may see other letters than guestfish: labels
  for name in "${crypt_names[@]}"; do
    echo "add-drive $images_new/$name.raw format:raw label:${letters[i]}"
    i=$((i + 1))
  done
  i=0
  echo run
  for name in "${crypt_names[@]}"; do
    device=/dev/disk/guestfs/${letters[i]} at=0 key=$crypt_password
    i=$((i + 1))
    case $name in
      made) device=${device}1 at=1048576 key=$made_recovery ;;
      clear) key=clear ;;
      win11) key=@$crypt_source/$win11_bek ;;
      luks2)
        echo "debug sh \"echo $(printf '%s' "$luks_pass" | base64) | base64 -d |" \
          "cryptsetup open -d - $device luks2\""
        echo 'mkfs ext4 /dev/mapper/luks2'
        echo 'mount /dev/mapper/luks2 /'
        images_linux
        echo umount-all
        continue
        ;;
      luks1)
        echo "debug sh \"echo $(base64 <"$images_new/luks1.key") | base64 -d |" \
          "cryptsetup open -d - $device luks1\""
        echo 'pvcreate /dev/mapper/luks1'
        echo 'vgcreate vgcrypt /dev/mapper/luks1'
        echo 'lvcreate root vgcrypt 24'
        echo 'mkfs ext4 /dev/vgcrypt/root'
        echo 'mount /dev/vgcrypt/root /'
        images_linux
        echo umount-all
        echo 'vg-activate-all false'
        continue
        ;;
    esac
    crypt_open "$device" "$images_new/$name.raw" "$at" "$key" "bl-$name"
    images_windows "/dev/mapper/bl-$name" Windows System32 drivers CrowdStrike
    echo umount-all
  done
  echo 'debug sh "dmsetup remove_all"'
}

crypt_build() {
  local name
  images_header x bad.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header y good.sys '\xaa\xaa\xaa\xaa\x01\x00\x23\x01'
  images_header z other.sys '\xbb\xbb\xbb\xbb\x01\x00\x23\x01'
  crypt_names=(made clear luks2 luks1)
  truncate -s 58M "$images_new/made.raw"
  sfdisk --quiet "$images_new/made.raw" \
    <<<$'label: gpt\nstart=2048, size=114688, type=EBD0A0A2-B9E5-4433-87C0-68B6B72699C7'
  bitlocker-tool make "$images_new/made.raw" 1048576 59768832 8004 \
    800 2000 200 100
  bitlocker-tool make "$images_new/clear.raw" 0 58720256 8002 100 0
  bitlocker-tool make "$images_new/tpm.raw" 0 58720256 8005 100
  truncate -s 40M "$images_new/luks2.raw" "$images_new/luks1.raw"
  printf '%s' "$luks_pass" | cryptsetup luksFormat --type luks2 --batch-mode \
    --pbkdf pbkdf2 --pbkdf-force-iterations 1000 -d - "$images_new/luks2.raw"
  printf 'a\000b\n' >"$images_new/luks1.key"
  cryptsetup luksFormat --type luks1 --batch-mode --pbkdf-force-iterations 1000 \
    -d "$images_new/luks1.key" "$images_new/luks1.raw"
  if [[ -f $crypt_source/bitlk-aes-xts-128.img ]]; then
    crypt_copy_genuine
    for name in "${genuine[@]}"; do crypt_names+=("${name#*:}"); done
    cp "$crypt_source/$win11_bek" "$images_new/"
  fi
  crypt_script >"$images_new/script"
  guestfish <"$images_new/script" || fail "guestfish: images"
  if [[ -f $images_new/xts.raw ]]; then
    for name in half version damaged; do
      cp --sparse=always "$images_new/xts.raw" "$images_new/$name.raw"
    done
    bitlocker-tool state "$images_new/half.raw" 0 2 4
    bitlocker-tool version "$images_new/version.raw" 0 3
    bitlocker-tool damage "$images_new/damaged.raw" 0 1
  fi
}

crypt_make() {
  requires guestfish sfdisk jq qemu-img cryptsetup
  mkdir -p "$build_dir/test-images-crypt"
  (
    flock 9
    [[ -d $crypt_dir ]] && exit 0
    [[ -f $crypt_source/bitlk-aes-xts-128.img ]] || crypt_download ||
      echo "$test_name: no genuine BitLocker volumes: apt-get source failed"
    images_new=$build_dir/test-images-crypt/new
    rm -rf "$images_new"
    mkdir -p "$images_new"
    crypt_build
    mv "$images_new" "$crypt_dir"
  ) 9>"$build_dir/test-images-crypt/lock" || exit 1
  mkdir -p "$work/disks"
}

crypt_image() {
  cp --sparse=always "$crypt_dir/$1.raw" "$work/disks/$1.raw"
}
