#!/usr/bin/env bash
# diagnose: disk images, all in one appliance, each with another fault; VMs of a
# fake cloud by their consoles. Nothing is changed by it, on any of them.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires mke2fs mkntfs ntfscp jq python3 /lib/systemd/systemd-journal-remote
make_disk=$source_dir/tests/fleet/make-disk

row() { # FILTER...: of the JSON result
  jq -r "$@" <<<"$out"
}
expect_first() { # NAME DIAGNOSIS [RECIPE]
  local found
  # shellcheck disable=SC2016 # jq's
  found=$(row --arg n "$1" '(.vms // .images)[] | select(.name == $n) |
    "\(.diagnosis) \(.diagnoses[0].recipe // "")"')
  [[ $found == "$2 ${3:-}" ]] || fail "$1: '$found', not '$2 ${3:-}'"
}

# ---- images ----
mkdir -p tree/{etc/{selinux,systemd/system/multi-user.target.wants},boot/grub,usr/lib/systemd,var/log}
mkdir -p tree/usr/lib/modules/6.1.0-{17,18}
cat >tree/usr/lib/os-release <<<'PRETTY_NAME="Test"'
echo 'UUID=11111111-2222-3333-4444-555555555555 / ext4 defaults 0 1' >tree/etc/fstab
echo x | tee tree/usr/lib/systemd/systemd tree/boot/{vmlinuz,initrd.img}-6.1.0-{17,18} >/dev/null
for v in 18 17; do
  printf "menuentry '%s' \$menuentry_id_option 'id-%s' {\n\tlinux /boot/vmlinuz-6.1.0-%s ro\n}\n" \
    "$v" "$v" "$v"
done >tree/boot/grub/grub.cfg
linux() { # NAME
  truncate -s 24M "$1.img"
  mke2fs -q -t ext4 -U 11111111-2222-3333-4444-555555555555 -d tree "$1.img"
}
linux well
rm tree/boot/initrd.img-6.1.0-18
linux initrd
echo x >tree/boot/initrd.img-6.1.0-18
echo 'UUID=deadbeef-0000-0000-0000-000000000000 /data xfs defaults 0 2' >>tree/etc/fstab
linux fstab
sed -i 1q tree/etc/fstab
printf 'SELINUX=enforcing\nSELINUXTYPE=disabled\n' >tree/etc/selinux/config
linux selinux
rm tree/etc/selinux/config
printf '%s\n' 'Nov 19 kernel: EXT4-fs error (device sda1): old' \
  'Nov 20 kernel: Linux version 6.1.0-18' \
  'Nov 20 kernel: XFS (sdb1): Metadata CRC error detected at xfs_agi_read_verify' \
  >tree/var/log/kern.log
linux log
rm tree/var/log/kern.log
# the last boot of a journal ended in emergency mode; the one before came up
n=0
while IFS='|' read -r boot priority who message; do
  n=$((n + 1))
  printf '%s\n' "__REALTIME_TIMESTAMP=$((1721361600 + n))000000" "__MONOTONIC_TIMESTAMP=${n}00000" \
    "_BOOT_ID=0000000000000000000000000000000$boot" "PRIORITY=$priority" \
    "SYSLOG_IDENTIFIER=$who" "MESSAGE=$message" ''
done >entries.txt <<'END'
1|3|kernel|EXT4-fs error (device sda1): of a boot that came up
1|6|systemd|Startup finished in 2s.
2|5|kernel|Linux version 6.1.0-18
2|3|systemd|Dependency failed for data.mount - /data.
2|6|systemd|Reached target emergency.target - Emergency Mode.
END
mkdir -p tree/var/log/journal/{0123,4567}
/lib/systemd/systemd-journal-remote -o tree/var/log/journal/0123/system.journal entries.txt 2>/dev/null
linux journal
rm -r tree/var/log/journal
linux full
debugfs -w -R 'set_super_value free_blocks_count 0' full.img 2>/dev/null
debugfs -w -R 'set_super_value state 3' full.img 2>/dev/null

# A dump of 0xD1 in acme.sys, as Windows writes small ones.
python3 - >MINI.DMP <<'END'
import struct, sys
d = bytearray(0x4000)
d[0:8] = b'PAGEDU64'
struct.pack_into('<I', d, 0x38, 0xd1)
struct.pack_into('<4Q', d, 0x40, 0x10, 2, 0, 0xfffff80312345678)
struct.pack_into('<I', d, 0xf98, 4)
struct.pack_into('<Q', d, 0xfa8, 133660000000000000)
struct.pack_into('<2I', d, 0x2030, 0x2100, 1)
struct.pack_into('<I', d, 0x2100, 0x3000)
struct.pack_into('<QQ', d, 0x2138, 0xfffff80312340000, 0)
struct.pack_into('<I', d, 0x2148, 0x10000)
name = 'acme.sys'
struct.pack_into('<I', d, 0x3000, len(name))
d[0x3004:0x3004 + 2 * len(name)] = name.encode('utf-16-le')
sys.stdout.buffer.write(d)
END
"$make_disk" --bad bad.img
"$make_disk" --healthy whole.img
start=$(sfdisk --json whole.img | jq '.partitiontable.partitions[0].start')
for name in stop junk events; do
  dd if=whole.img of=$name.img bs=512 skip="$start" conv=sparse status=none
done
dump-tool 5 0xfffff80312345678 >LARGE.DMP # of 0x50, with memory in it
ntfscp -q -f stop.img LARGE.DMP /Windows/MEMORY.DMP
{
  head -c 56 MINI.DMP
  head -c 20000 /dev/urandom
} >JUNK.DMP
ntfscp -q -f junk.img JUNK.DMP /Windows/MEMORY.DMP
# What Windows logged: a stop long ago, an unexpected end, a driver, a stop, and
# a log that is none.
evtx-tool >System.evtx <<'END'
[{"id": 1001, "provider": "Microsoft-Windows-WER-SystemErrorReporting",
  "when": "2024-05-01T00:00:00Z", "data": [["param1", "string", "0x00000024 (0x1, 0x2, 0x3, 0x4)"]]},
 {"id": 6005, "provider": "EventLog", "when": "2024-07-19T04:00:00Z", "data": []},
 {"id": 7045, "provider": "Service Control Manager", "when": "2024-07-19T04:01:00Z",
  "data": [["ServiceName", "string", "Acme"], ["ImagePath", "string", "\\??\\C:\\acme.sys"]]},
 {"id": 41, "provider": "Microsoft-Windows-Kernel-Power", "when": "2024-07-19T04:20:00Z",
  "data": [["BugcheckCode", "u32", "0x139"], ["BugcheckParameter1", "hex64", "2"]]}]
END
events=/Windows/System32/winevt/Logs/System.evtx
ntfscp -q -f events.img System.evtx $events
ntfscp -q -f junk.img JUNK.DMP $events
ntfscp -q -f junk.img MINI.DMP /pagefile.sys # where a stop leaves it
ntfscp -q -f events.img JUNK.DMP /DUMP1234.tmp
: >empty.img
sha256sum -- *.img >before

run bootmend diagnose --json -- *.img
expect_status 3 # one could not be read
expect_first bad.img crowdstrike-channel-file crowdstrike-291
expect_first fstab.img fstab-entry linux-fstab-nofail
expect_first initrd.img initramfs-missing linux-kernel-previous
expect_first selinux.img selinux-type linux-selinux-permissive-once
expect_first log.img xfs-errors
expect_first journal.img mount-failed
said=$(row '.images[] | select(.name == "journal.img") | .diagnoses[], .seen[] | tojson')
for words in '"where":"journal"' 'Dependency failed for data.mount - /data.' \
  'and ended in emergency mode at 2024-07-19'; do
  [[ $said == *"$words"* ]] || fail "journal.img: no '$words': $said"
done
[[ $said != *ext4-errors* ]] || fail 'an error of an earlier boot is no reason for today'
expect_first well.img unknown
expect_first empty.img refused
[[ $(row '.images[] | select(.name == "full.img").diagnoses[].id' | sort | tr '\n' ' ') == \
  *ext4-errors* ]] || fail "full.img: $(row '.images[] | select(.name == "full.img")')"
# the driver is found in the memory that the dump holds
[[ $(row '.images[] | select(.name == "stop.img").diagnoses[] |
  select(.id == "third-party-driver") |
  "\(.evidence[0].where) \(.evidence[0].what) \(.parameters.service)"') == \
  'MEMORY.DMP stop code 0x00000050 (0x0, 0x0, 0xfffff80312345678, 0x0)'*' acme' ]] ||
  fail "stop.img: $(row '.images[] | select(.name == "stop.img")')"
said=$(row '.images[] | select(.name == "events.img") |
  .diagnoses[].evidence[].what, .seen[].what, .diagnoses[].id')
for words in 'stop code 0x00000139 (0x2, 0x0, 0x0, 0x0), 2024-07-19T04:20:00Z' \
  'driver Acme was installed' kernel-security-check-failure driver-before-stop \
  'event 1001 at 2024-05-01T00:00:00Z' 'ends at 2024-07-19T04:20:00Z without a shutdown'; do
  [[ $said == *"$words"* ]] || fail "events.img: no '$words': $said"
done
[[ $said != *ntfs-file-system* ]] || fail 'a stop of last month is no reason for today'
[[ $(row '.images[] | select(.name == "junk.img").seen[] | select(.fact == "unreadable").what') == \
  *'the System event log: it has no chunk of an event log'* ]] ||
  fail "junk.img: $(row '.images[] | select(.name == "junk.img")')"
[[ $(row '.images[] | select(.name == "junk.img").diagnoses[] |
  select(.id == "third-party-driver") | "\(.evidence[0].where) \(.parameters.service)"') == \
  'pagefile.sys acme' ]] || fail "junk.img: $(row '.images[] | select(.name == "junk.img")')"
[[ $(row '[.groups[].count] | add') -eq $(wc -l <before) ]] || fail 'groups'
sha256sum --quiet -c before || fail 'an image was changed'

# ---- words ----
run bootmend diagnose well.img libvirt:web-1
expect_status 2
expect_msg 'not both at once'
run bootmend diagnose
expect_status 2

# ---- VMs ----
zero=0000000000000
consoles=$work/consoles
mkdir "$consoles"
fstab='[ TIME ] Timed out waiting for device dev-sdx.\r\nGive root password for maintenance\r\n'
stop='*** STOP: 0x00000050 (PAGE_FAULT_IN_NONPAGED_AREA) csagent.sys\r\n'
n=0
{
  cat <<END
{"seed": 5, "speed": 20, "page_size": 5,
 "boot_command": ["sh", "-c", "cat \"\$0.console\"; exit 1"],
 "images_folder": "$work", "devices_folder": "$work",
 "aws": {
  "accounts": {"111122223333": {"keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "instances": [
END
  for words in "$stop" "$stop" "$stop" "$fstab" "$fstab" 'web-6 login: \r\n' 'Hello\n' ''; do
    n=$((n + 1))
    : >"$consoles/vm$n"
    # shellcheck disable=SC2059 # that is what they are
    printf "$words" >"$consoles/vm$n.console"
    ((n == 1)) || echo ','
    echo "{\"id\": \"i-${zero}b00$n\", \"name\": \"vm-$n\", \"zone\": \"us-east-1a\",
      \"root\": {\"id\": \"vol-$n\", \"image\": \"$consoles/vm$n\", \"size\": 1}}"
  done
  echo ']}}'
} >config.json
ec2_start "$work/config.json"

run bootmend diagnose --json 'aws:*'
expect_status 3 # one says nothing
expect_first vm-1 crowdstrike-driver crowdstrike-291
expect_first vm-4 fstab-device linux-fstab-nofail
expect_first vm-6 boots
expect_first vm-7 unknown
expect_first vm-8 no-console
[[ $(row '.groups[0:2][] | "\(.count) \(.id)"' | tr '\n' ' ') == \
  '3 crowdstrike-driver 2 fstab-device ' ]] || fail "groups: $(row .groups)"
run bootmend diagnose 'aws:*'
expect_status 3
expect_out '3 crowdstrike-driver, 2 fstab-device, '
expect_out 'nothing was changed'
[[ -z $(ec2_changes) ]] || fail "calls with an effect: $(ec2_changes)"
[[ $(ec2_count '.action == "GetConsoleOutput"') -eq 16 ]] || fail 'calls'
