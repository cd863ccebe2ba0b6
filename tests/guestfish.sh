# shellcheck shell=bash
# guestfish.sh - guestfish for tests, in the lean appliance
#
#   . "$source_dir/tests/guestfish.sh"      # after functions.sh
#   guestfish --format=raw -a disk.raw run : ...
#
# The lean appliance of the build (disk-ops/appliance.h) starts in a quarter of the
# time of libguestfs's own, and has the same root image, so the same tools. Only
# guestfish gets to know it: programs under test look for theirs by themselves.

# guestfish, unlike bootmend, does not find out by itself that KVM is broken.
guestfish_settings=
if ! (echo quit | qemu-system-x86_64 -accel kvm -cpu max -S -display none \
  -nodefaults -monitor stdio) >/dev/null 2>&1; then
  guestfish_settings=force_tcg
fi

lean_appliance() {
  LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=$guestfish_settings \
    appliance-tool find auto 2>/dev/null | sed -n 's/^lean=//p' || true
}

guestfish() { # OPTION...
  local path
  path=$(lean_appliance)
  LIBGUESTFS_BACKEND=direct LIBGUESTFS_BACKEND_SETTINGS=$guestfish_settings \
    LIBGUESTFS_PATH=${path:-${LIBGUESTFS_PATH:-}} command guestfish "$@"
}
