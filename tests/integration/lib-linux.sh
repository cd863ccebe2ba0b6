# shellcheck shell=bash
# lib-linux.sh - the files of a Linux root for which every built-in recipe for
# Linux has something to do
#
#   linux_tree FOLDER           makes it, with owners and SELinux labels
#   linux_ext4 FILE FOLDER UUID [MIB]     an ext4 image that holds a folder
#
# A recipe for a missing kernel module or unit needs no file at all.
# shellcheck disable=SC2034  # of who includes it

linux_root_uuid=11111111-2222-3333-4444-555555555555
linux_boot_uuid=66666666-7777-8888-9999-aaaaaaaaaaaa

linux_tree() {
  mkdir -p "$1"/{etc/{ssh,modprobe.d,selinux,default,systemd/system/multi-user.target.wants},usr/lib,boot/grub,var/log/apt,home}
  cat >"$1/etc/fstab" <<'END'
UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1
UUID=66666666-7777-8888-9999-aaaaaaaaaaaa /boot ext4 defaults 0 2
UUID=deadbeef-0000-0000-0000-000000000000 /data xfs defaults 0 2
LABEL=swapdisk none swap sw 0 0
END
  echo 'PRETTY_NAME="Test Linux 12 (small)"' >"$1/usr/lib/os-release"
  printf 'Port 2222\nListenAddress 10.0.0.1\nPermitRootLogin no\n' \
    >"$1/etc/ssh/sshd_config"
  echo closed >"$1/etc/nologin"
  printf '# policy\nSELINUX=enforcing\nSELINUXTYPE=targeted\n' \
    >"$1/etc/selinux/config"
  printf 'GRUB_DEFAULT=0\nGRUB_TIMEOUT=5\n' >"$1/etc/default/grub"
  cat >"$1/boot/grub/grub.cfg" <<'END'
   set default="0"
menuentry 'Debian' $menuentry_id_option 'simple' {
	linux	/boot/vmlinuz-6.1.0-18 ro
}
submenu 'Advanced' $menuentry_id_option 'advanced' {
	menuentry 'new' $menuentry_id_option 'new' {
		linux	/boot/vmlinuz-6.1.0-18 ro
	}
	menuentry 'old' $menuentry_id_option 'old' {
		linux	/boot/vmlinuz-6.1.0-13 ro
	}
}
END
  head -c 20000 /dev/zero >"$1/var/log/syslog.2.gz"
  head -c 3000 /dev/zero >"$1/var/log/syslog"
  echo x >"$1/var/log/apt/history.log.1.gz"
  chmod 640 "$1/etc/ssh/sshd_config"
  chown 7:8 "$1/etc/ssh/sshd_config"
  setfattr -n security.selinux -v 'system_u:object_r:modules_conf_t:s0' \
    "$1/etc/modprobe.d" || skip "no SELinux labels on this file system"
  setfattr -n security.selinux -v 'system_u:object_r:etc_t:s0' \
    "$1/etc/ssh/sshd_config"
}

linux_ext4() {
  truncate -s "${4:-24}M" "$1"
  mke2fs -q -t ext4 -U "$3" -d "$2" "$1"
}
