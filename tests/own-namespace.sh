# shellcheck shell=bash
# own-namespace.sh - a libvirt of its own for one test, apart from all others
#
#   . "$(dirname "$0")/../functions.sh"
#   . "$source_dir/tests/own-namespace.sh"
#   if own_namespace "$@"; then ...
#
# own_namespace begins the script once more, in mount and PID namespaces of its
# own: /run and libvirt's folders are empty there but for its configuration, so
# that libvirt's daemons must be started and nobody else's are met. All of them,
# QEMUs included, end with the script. It returns 0 in there, and 1 where there
# is no root or where namespaces are not allowed.
# shellcheck disable=SC2154 # functions.sh sets work
own_namespace() {
  if [[ -n ${BOOTMEND_IN_NAMESPACE:-} ]]; then return 0; fi
  if ((EUID != 0)) || ! unshare -m -p -f true 2>/dev/null; then return 1; fi
  local script
  script=$(realpath "$0")
  cd /
  rm -rf "$work"
  trap - EXIT
  BOOTMEND_IN_NAMESPACE=1 exec unshare -m -p -f --mount-proc --kill-child \
    bash "$script" "$@"
}

if [[ -n ${BOOTMEND_IN_NAMESPACE:-} && ! -e /run/bootmend-namespace ]]; then
  mount -t tmpfs tmpfs /run
  mkdir -m 1777 /run/lock
  : >/run/bootmend-namespace
  for folder in /var/lib/libvirt /var/log/libvirt /var/cache/libvirt; do
    mkdir -p "$folder"
    mount -t tmpfs tmpfs "$folder"
  done
  # Its configuration, but no domains or networks of this machine.
  mkdir -p /etc/libvirt "$work/libvirt-etc"
  find /etc/libvirt -maxdepth 1 -type f -exec cp -a {} "$work/libvirt-etc" \;
  mount -t tmpfs tmpfs /etc/libvirt
  cp -a "$work/libvirt-etc/." /etc/libvirt
  # Two domains of one name in two namespaces would share a control group.
  echo 'cgroup_controllers = []' >>/etc/libvirt/qemu.conf
  # A KVM that QEMU can open and libvirt's user can't, or that does not work, makes
  # libvirt 9 ask QEMU for its abilities anew at each definition and start ("KVM
  # was enabled when probing"): a second and more each. There is none, then; and
  # no /dev of each domain's own, which would want to move this mount.
  if [[ -e /dev/kvm ]] && ! (
    timeout 10 qemu-system-x86_64 -machine pc,accel=kvm -cpu host -m 16 \
      -nodefaults -display none -S -monitor stdio <<<quit
    exit $? # this subshell says "Aborted"
  ) >/dev/null 2>&1; then
    install -m 0 /dev/null /run/bootmend-no-kvm
    mount --bind /run/bootmend-no-kvm /dev/kvm
    mount -o remount,bind,ro /dev/kvm # for root, too
    echo 'namespaces = []' >>/etc/libvirt/qemu.conf
  fi
fi
