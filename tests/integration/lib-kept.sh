# shellcheck shell=bash
# lib-kept.sh - NTFS files with all that can get lost, and what they are like
#
#   kept_script DEVICE      guestfish's commands that make the volume: /Kept with
#                           the folders renamed, parked and deleted, of the same
#                           content each
#   kept_facts FOLDER       a guestfish command that says what is there
#   kept_lines FOLDER       of its output the lines of this folder: NAME KEY=VALUE
#
# What is there: a compressed and a sparse file, alternate streams, two names of
# one file, a long name of many scripts, a file with DOS attributes, security
# descriptor, short name and times of its own, a symbolic link and a junction
# (reparse points).

# Administrators own it, SYSTEM may do everything. [MS-DTYP 2.4.6]
kept_acl=01000480140000002400000000000000340000000102000000000005200000002002000001020000000000052000000020020000
kept_acl+=02001c000100000000001400ff011f00010100000000000512000000
# created, changed, accessed, record changed: in 2009 to 2012
kept_times=01ca7a85c1ef800001cb7a85c1ef812301cc7a85c1ef800001cd7a85c1ef8000
kept_name='имя-драйвера-驱动程序-💥-'$(printf '%0120d' 7).txt

# a junction to C:\x [MS-FSCC 2.1.2.5]
kept_junction=030000a01c00000000001000120000005c003f003f005c0043003a005c00780000000000
# kept_sh SCRIPT: run in the appliance, where the volume is at /sysroot
kept_sh() {
  echo "debug sh \"echo $(base64 -w0 <<<"$1") | base64 -d | sh 2>&1\""
}

kept_script() { # DEVICE
  cat <<END
mkfs ntfs $1
mount-options compression $1 /
END
  kept_sh "
for folder in renamed parked deleted; do
  mkdir -p /sysroot/Kept/\$folder
  cd /sysroot/Kept/\$folder
  setfattr -h -n system.ntfs_attrib_be -v 0x00000830 .
  yes 'this line comes often' | head -c 100000 >compressed.txt
  setfattr -h -n system.ntfs_attrib_be -v 0x00000030 .
  truncate -s 4M sparse.bin
  printf middle | dd of=sparse.bin bs=1 seek=2000000 conv=notrunc status=none
  echo streams >streams.txt
  setfattr -n user.Zone.Identifier -v '[ZoneTransfer]' streams.txt
  setfattr -n user.with-zeroes -v 0x00\$(od -An -tx1 -v -N3000 /bin/sh | tr -d ' \\n') streams.txt
  echo names >first-name.txt
  ln first-name.txt second-name.txt
  echo name >'$kept_name'
  if [ \$folder = renamed ]; then
    ln -s streams.txt link.txt
    mkdir linked
    setfattr -h -n system.ntfs_reparse_data -v 0x$kept_junction linked
  fi
  echo attributes >attributes.txt
  setfattr -h -n system.ntfs_acl -v 0x$kept_acl attributes.txt
  setfattr -h -n system.ntfs_dos_name -v ATTRIB~1.TXT attributes.txt
  setfattr -h -n system.ntfs_attrib_be -v 0x00000027 attributes.txt
  setfattr -h -n system.ntfs_times_be -v 0x$kept_times attributes.txt
done
setfattr -h -n system.ntfs_dos_name -v RENAME~1 /sysroot/Kept/renamed
setfattr -h -n system.ntfs_times_be -v 0x$kept_times /sysroot/Kept/renamed"
  echo umount-all
}

kept_facts() { # FOLDER
  kept_sh "
cd '/sysroot$1' || exit
echo \"facts $1\"
stat -c '%n stat=%F,%s,%b,%h' *
[ '$1' = /Kept ] || sha256sum -- [!l]* | sed 's/^\([0-9a-f]*\)  \(.*\)/\2 content=\1/'
for name in attrib acl dos_name reparse_data times; do
  getfattr -h -e hex -n system.ntfs_\$name -- * 2>/dev/null
done
getfattr -h -d -m '^user' -e hex -- * 2>/dev/null"
}

# kept_lines FOLDER <OUTPUT: NAME KEY=VALUE, sorted; of the four times creation
# and change
kept_lines() {
  awk -v from="facts $1" '/^facts / { on = $0 == from; next }
    !on || !NF { next }
    sub(/^# file: /, "") { name = $0; next }
    / (stat|content)=/ { print; next }
    /^system.ntfs_times/ { $0 = substr($0, 1, length("system.ntfs_times=0x") + 32) }
    { print name, $0 }' | sort
}
