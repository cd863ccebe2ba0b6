# shellcheck shell=bash disable=SC2154
# lib.sh - real VMs for integration and fault tests
#
#   . "$(dirname "$0")/../functions.sh"
#   . "$source_dir/tests/fleet/lib.sh"
#   fleet_up --bad 1 --good 1         # $fleet holds them, named t-bad-1, ...
#   repair --some-option              # bootmend repair of all of them, run ()
#   check_repaired t-bad-1            # ... by what the VM itself shows
#   check_as_before t-bad-1           # disk to the byte, definition, running
#   fleet_reset                       # broken again, as after fleet_up
#
# The libvirt (qemu:///system) is the test's own. Where that can't be, it is the
# machine's, started if none runs, and such tests run one after another.
. "$source_dir/tests/own-namespace.sh"
if ! own_namespace "$@" && ((EUID == 0)) && [[ -z ${BOOTMEND_FLEET_LOCKED:-} ]]; then
  rm -rf "$work"
  trap - EXIT
  BOOTMEND_FLEET_LOCKED=1 exec flock --close /run/lock/bootmend-fleet "$0" "$@"
fi

fleet=$work/fleet
prefix=t

# A VM that stops waits a minute until it boots again: each time costs a second of
# the processor, and what the tests look at is on the console after the first.
fleet_up() { # OPTION...
  requires virsh qemu-system-x86_64 grub-mkimage mkntfs
  ((EUID == 0)) || skip 'needs root: libvirt, QEMU'
  chmod a+x "$work"
  "$source_dir/tests/fleet/fleet" up "$fleet" --prefix "$prefix" \
    --good 0 --healthy 0 "$@" -- --crash-wait 60 >"$work/fleet.log" 2>&1 ||
    fail "fleet up: $(tail -n 1 "$work/fleet.log")"
  at_exit fleet_down
  mkdir -p "$work/pristine"
  local name
  while read -r name; do
    # A running VM writes nothing to its disk: a copy of it is its state.
    cp --sparse=always "$fleet/$name.img" "$work/pristine/$name.img"
    definition "$name" >"$work/pristine/$name.xml"
  done <"$fleet/domains"
}

fleet_down() {
  [[ ! -e $fleet/domains ]] || "$source_dir/tests/fleet/fleet" down "$fleet"
}

virsh_() { virsh --quiet --connect qemu:///system "$@"; }

definition() { virsh_ dumpxml --inactive "$1"; } # NAME
power() { virsh_ domstate "$1"; }                # NAME

# Everything as fleet_up left it: a bad disk, the same definition, running.
fleet_reset() {
  local name
  while read -r name; do
    virsh_ destroy "$name" >/dev/null 2>&1 || true
    cp --sparse=always "$work/pristine/$name.img" "$fleet/$name.img"
    virsh_ define "$work/pristine/$name.xml" >/dev/null
    : >"$fleet/$name.serial.log"
    virsh_ start "$name" >/dev/null
  done <"$fleet/domains"
  rm -rf "$BOOTMEND_STATE_DIR"
}

repair() { # OPTION...
  run bootmend repair "libvirt:$prefix-*" --recipe crowdstrike-291 \
    --health 'serial:BOOT OK' --shutdown-limit 0 "$@"
}

# The last thing on the serial console (GRUB ends lines with \n\r).
last_line() { # NAME
  tr -d '\r' <"$fleet/$1.serial.log" | grep -a -E '\*\*\* STOP|BOOT OK' | tail -n 1
}

shows() { # NAME TEXT
  [[ $(last_line "$1") == *"$2"* ]]
}

check_definition() { # NAME
  definition "$1" | cmp -s - "$work/pristine/$1.xml" ||
    fail "$1: its definition changed: $(diff <(definition "$1") "$work/pristine/$1.xml" | head -n 5)"
}

check_repaired() { # NAME
  [[ $(power "$1") == running ]] || fail "$1: is $(power "$1")"
  wait_for 30 shows "$1" 'BOOT OK' ||
    fail "$1: does not boot: $(last_line "$1")"
  check_definition "$1"
}

# Byte for byte: nothing in these VMs writes to the disk by itself.
check_as_before() { # NAME
  cmp "$fleet/$1.img" "$work/pristine/$1.img" ||
    fail "$1: its disk is not as it was"
  [[ $(power "$1") == running ]] || fail "$1: is $(power "$1")"
  check_definition "$1"
}
