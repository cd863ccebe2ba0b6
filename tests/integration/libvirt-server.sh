# shellcheck shell=bash
# libvirt-server.sh - a libvirt server for one test, apart from all others
#
#   . "$(dirname "$0")/../functions.sh"
#   . "$source_dir/tests/integration/libvirt-server.sh"
#
# runs the rest of the script in namespaces of its own (own-namespace.sh) with a
# fresh libvirtd and virtlogd. Skips where that is not allowed.
#
#   libvirtd_start, libvirtd_stop   the server, e.g. to restart it
#   domain_xml NAME [ELEMENT...]    a small domain with disk $work/NAME.img and
#                                   serial log $work/NAME.log
# shellcheck disable=SC2154 # functions.sh sets work, source_dir, test_name
requires libvirtd virsh unshare qemu-system-x86_64 qemu-img

. "$source_dir/tests/own-namespace.sh"
own_namespace "$@" || skip "needs root and namespaces"

libvirtd_start() {
  libvirtd -d -f "$work/libvirtd.conf" -p "$work/libvirtd.pid" \
    >"$work/libvirtd.log" 2>&1 || skip "libvirtd does not start"
  wait_for 30 virsh -q -c qemu:///system version >/dev/null 2>&1 ||
    skip "libvirtd does not answer: $(tail -n 1 "$work/libvirtd.log")"
}

libvirtd_stop() {
  local pid
  pid=$(cat "$work/libvirtd.pid")
  kill "${1:--TERM}" "$pid"
  wait_for 20 libvirtd_is_gone "$pid" || fail "libvirtd does not end"
}

libvirtd_is_gone() {
  [[ $(sed 's/.*) //' "/proc/$1/stat" 2>/dev/null | cut -c1) == [Z]* ]] ||
    [[ ! -d /proc/$1 ]]
}

cat >"$work/libvirtd.conf" <<END
auth_unix_rw = "none"
auth_unix_ro = "none"
log_outputs = "3:file:$work/libvirtd-messages.log"
END
cat >/etc/libvirt/qemu.conf <<END
user = "root"
group = "root"
security_driver = "none"
remember_owner = 0
namespaces = []
cgroup_controllers = []
END
virtlogd -d -p "$work/virtlogd.pid" 2>"$work/virtlogd.log" ||
  skip "virtlogd does not start"
libvirtd_start

domain_xml() {
  local name=$1
  shift
  cat <<END
<domain type='qemu'>
  <name>$name</name>
  $(printf '%s\n' "$@" | sed -n 's/^top: //p')
  <memory unit='MiB'>32</memory>
  <vcpu>1</vcpu>
  <os><type arch='x86_64' machine='pc'>hvm</type></os>
  <features><acpi/></features>
  <devices>
    <disk type='file' device='disk'>
      <driver name='qemu' type='raw'/>
      <source file='$work/$name.img'/>
      <target dev='vda' bus='virtio'/>
    </disk>
    <serial type='file'><source path='$work/$name.log'/></serial>
    $(printf '%s\n' "$@" | sed -n 's/^device: //p')
    <video><model type='vga'/></video>
    <graphics type='vnc' passwd='secret'/>
  </devices>
</domain>
END
}
