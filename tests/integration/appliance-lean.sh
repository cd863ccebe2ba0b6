#!/usr/bin/env bash
# The lean appliance does what the stock one does: file systems, LVM, RAID,
# LUKS, disks in order (in the long run the two are compared). It is built once,
# seen when damaged, replaced by the stock one if it does not start, and no QEMU
# outlives who started it.
. "$(dirname "$0")/../functions.sh"
unset BOOTMEND_CACHE_DIR # this one builds its own, and spoils it
requires guestfish supermin cryptsetup mkfs.xfs jq
export LIBGUESTFS_BACKEND=direct
# KVM may be there and not work; the time that TCG takes is bearable
export LIBGUESTFS_BACKEND_SETTINGS=force_tcg

# Fields of "appliance-tool find" as variables got_lean, got_note, ...
find_appliance() { # MODE [again]
  run appliance-tool find "$@"
  expect_status 0
  local name value
  got_lean='' got_stock='' got_results='' got_wrapper='' got_note=''
  while IFS='=' read -r name value; do
    printf -v "got_$name" %s "$value"
  done <<<"$out"
}

fish() { # FOLDER COMMANDS-FILE: guestfish in that appliance with all disks
  local disks=() disk
  for disk in disks/*; do disks+=(--format=raw -a "$disk"); done
  LIBGUESTFS_PATH=$1 LIBGUESTFS_CACHEDIR=$got_results run timeout 200 \
    guestfish --keys-from-stdin "${disks[@]}" -f "$2"
  expect_status 0
}

step() {
  echo "-- $* (${SECONDS} s)"
}

step "built, and then only found"
find_appliance lean
[[ -n $got_lean && $got_note == *built* ]] || fail "not built: $out"
find_appliance auto
[[ -n $got_lean && -z $got_note ]] || fail "not found: $out"
[[ $(stat -c %i "$got_lean/root") == $(stat -c %i "$got_stock/root") ]] ||
  fail "the root image was copied"

step "32 disks in their order; file systems, LVM, RAID, LUKS are made in lean"
mkdir disks
for i in $(seq -w 1 32); do truncate -s "$((10#$i + 100))M" "disks/$i"; done
truncate -s 600M disks/01
truncate -s 400M disks/05
mkfs.xfs -q disks/05
echo -n secret >key
cryptsetup -q luksFormat --pbkdf pbkdf2 --pbkdf-force-iterations 1000 \
  disks/06 key
{
  echo run
  echo list-devices
  for d in {a..z} a{a..f}; do echo "blockdev-getsize64 /dev/sd$d"; done
  cat <<'END'
part-init /dev/sda gpt
part-add /dev/sda p 2048 299007
part-add /dev/sda p 299008 598015
part-add /dev/sda p 598016 897023
part-add /dev/sda p 897024 1196031
mkfs ext4 /dev/sda1
mkfs vfat /dev/sda2
mkfs btrfs /dev/sda3
mkfs ntfs /dev/sda4
part-disk /dev/sdb mbr
pvcreate /dev/sdb1
vgcreate plain /dev/sdb1
lvcreate root plain 60
mkfs ext4 /dev/plain/root
md-create pair "/dev/sdc /dev/sdd" level:raid1
pvcreate /dev/md127
vgcreate onmd /dev/md127
lvcreate root onmd 60
mkfs ext4 /dev/onmd/root
cryptsetup-open /dev/sdf opened
secret
pvcreate /dev/mapper/opened
vgcreate onluks /dev/mapper/opened
lvcreate root onluks 60
mkfs ext4 /dev/onluks/root
END
} >commands
{
  printf '/dev/sd%s\n' {a..z} a{a..f}
  for d in disks/*; do stat -c %s "$d"; done
} >expected
fish "$got_lean" commands
diff expected .out || fail "order of disks"
rm disks/{07..32}

step "they are all there after another start, and can be written"
places='/dev/sda1 /dev/sda2 /dev/sda3 /dev/sda4 /dev/sde /dev/plain/root
  /dev/onmd/root /dev/onluks/root'
{
  echo run
  echo list-filesystems
  printf 'cryptsetup-open /dev/sdf opened\nsecret\nlvm-scan true\n'
  for p in $places; do
    printf 'mount %s /\nwrite /note "lean was on %s"\numount-all\n' "$p" "$p"
  done
} >commands
fish "$got_lean" commands
cp .out lean-sees
for what in '/dev/sda1: ext4' '/dev/sda2: vfat' '/dev/sda3: btrfs' \
  '/dev/sda4: ntfs' '/dev/sde: xfs' '/dev/plain/root: ext4' \
  '/dev/onmd/root: ext4'; do
  grep -qFx "$what" lean-sees || fail "lean does not see $what"
done

# The stock one takes as long to start as all the rest of this test.
stock_agrees() {
  step "stock sees the same, and reads what lean wrote"
  {
    echo run
    echo list-filesystems
    printf 'cryptsetup-open /dev/sdf opened\nsecret\nlvm-scan true\n'
    for p in $places; do printf 'mount-ro %s /\ncat /note\numount-all\n' "$p"; done
  } >commands
  fish "$got_stock" commands
  grep -v '^lean was on' .out >stock-sees
  diff stock-sees lean-sees || fail "stock sees other file systems than lean"
  for p in $places; do
    grep -q "^lean was on $p" .out || fail "stock does not read $p"
  done
}
[[ -z ${BOOTMEND_TEST_LONG:-} ]] || stock_agrees
rm -r disks

step "no QEMU outlives who started it"
hold() { # DELAY: kills the holder so long after its start
  local holder end qemu
  appliance-tool hold lean >held &
  holder=$!
  if [[ $1 == up ]]; then
    wait_for 60 test -s held || fail "it did not start"
  else
    sleep "$1"
  fi
  # of all QEMUs only ours: by the state folder in their arguments
  pgrep -f "qemu.*$got_lean" >qemus || fail "no QEMU to kill"
  kill -9 "$holder"
  wait "$holder" 2>/dev/null || true
  end=$((${EPOCHREALTIME/./} + 1000000))
  for qemu in $(<qemus); do
    while [[ -e /proc/$qemu && $(<"/proc/$qemu/stat") != *') Z '* ]]; do
      ((${EPOCHREALTIME/./} < end)) || fail "QEMU $qemu lives ($1)"
      sleep 0.02
    done
  done 2>/dev/null
}
hold up
hold 1

step "bootmend-qemu alone: it dies with its starter, and starts for no other"
# shellcheck disable=SC2016 # $$ and $! are of the inner shell
BOOTMEND_QEMU=$(command -v sleep) bash -c '
  BOOTMEND_QEMU_PARENT=$$ "$1" 100 & echo $!; wait' - "$got_wrapper" >slept &
starter=$!
wait_for 10 test -s slept
sleeper=$(<slept)
is_asleep() { [[ $(tr '\0' ' ' <"/proc/$sleeper/cmdline") == *"sleep 100"* ]]; }
wait_for 10 is_asleep || fail "it did not become what it should"
kill -9 "$starter"
wait "$starter" 2>/dev/null || true
is_gone() { [[ ! -e /proc/$sleeper || $(<"/proc/$sleeper/stat") == *') Z '* ]]; }
wait_for 1 is_gone 2>/dev/null || fail "it lives on"
BOOTMEND_QEMU=$(command -v sleep) BOOTMEND_QEMU_PARENT=2 run "$got_wrapper" 0
expect_status 1
expect_msg "gone"

step "damage is seen"
printf x | dd of="$got_lean/initrd" bs=1 seek=200 conv=notrunc status=none
find_appliance lean
[[ -n $got_lean && $got_note == *damaged* ]] || fail "not built again: $out"
find_appliance lean
[[ -z $got_note ]] || fail "not whole now: $out"

step "it stopped to work, and works after all"
appliance-tool distrust
[[ -e $got_lean/../suspect ]] || fail "no mark"
find_appliance auto
[[ -n $got_lean && ! -e $got_lean/../suspect ]] || fail "not tried: $out"

step "one that does not start is replaced by stock"
mkdir libexec
ln -s "$(readlink -f "$got_wrapper")" libexec/bootmend-qemu
echo "no program" >libexec/bootmend-appliance-init
export BOOTMEND_LIBEXEC=$work/libexec
find_appliance auto
[[ -z $got_lean && -n $got_stock && $got_note == *"does not start"* ]] ||
  fail "no fallback: $out"
run appliance-tool find lean
expect_status 1
expect_msg "does not start"
unset BOOTMEND_LIBEXEC

step "prepared ahead"
run appliance-tool prepare auto
expect_status 0
expect_out "appliance ready"

step "turned off"
find_appliance stock
[[ -z $got_lean && -n $got_stock ]] || fail "lean is still on: $out"

step "a state folder that cannot be written: libguestfs's own"
: >file
BOOTMEND_STATE_DIR=$work/file find_appliance auto
[[ -z $got_lean && -z $got_stock && -n $got_note ]] || fail "$out"
BOOTMEND_STATE_DIR=$work/file run appliance-tool prepare auto
expect_status 1
expect_msg "no appliance could be prepared"
