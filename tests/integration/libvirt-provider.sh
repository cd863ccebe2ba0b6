#!/usr/bin/env bash
# The libvirt provider against a real libvirtd and QEMU: finds, describes,
# refuses, marks, stops and starts, and leaves definitions as they were.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/libvirt-server.sh"
requires jq provider-call

uri=qemu:///system
export LIBVIRT_DEFAULT_URI=$uri

call() { run provider-call libvirt "$uri" "$@"; }
last() { tail -n 1 <<<"$out" | jq -r "$1"; }
expect() { # FILTER TEXT: of the last reply
  [[ $(last "$1") == "$2" ]] || fail "$1 is $(last "$1"), expected $2"
}
id_of() { virsh -q domuuid "$1" | tr -d '[:space:]'; }
record() { # NAME: its record as one line
  provider-call libvirt "$uri" describe "{\"ids\": [\"$(id_of "$1")\"]}" |
    jq -c '.vms[0]'
}
refusals() { record "$1" | jq -r '[.refusals[]?.code] | join(" ")'; }
warnings() { record "$1" | jq -r '[.warnings[]?.code] | join(" ")'; }
power() { record "$1" | jq -r .power; }
define() { # NAME ELEMENT...
  [[ -e $work/$1.img ]] || truncate -s 1M "$work/$1.img"
  domain_xml "$@" >"$work/$1.xml"
  virsh -q define "$work/$1.xml"
}
dump() { virsh dumpxml --inactive --security-info "$1"; }
stage() { echo "$(printf '%3d' "$SECONDS") s: $*"; }
mark() { # CAMPAIGN CONTROLLER NAME
  jq -nc --arg c "$1" --arg o "$2" --arg id "$(id_of "$3")" \
    '{vms: [{id: $id}], mark: {campaign: $c, controller: $o,
      since: "2024-07-19T04:09:00Z"}}'
}
# What a boot sector that halts is to a BIOS: something that runs.
boot_sector() { # IMAGE
  printf '\xfa\xf4\xeb\xfd' | dd of="$1" conv=notrunc status=none
  printf '\x55\xaa' | dd of="$1" bs=1 seek=510 conv=notrunc status=none
}

stage "selection"
define web-1 "top: <title>shop front</title>"
define web-2 'top: <metadata><a:app xmlns:a="urn:a"><a:env>prod</a:env></a:app></metadata>'
define db-1
call with-selector 'web-*' with-selector 'title=shop*' \
  with-selector 'tag=app/env=prod' with-selector '*,!db-*' \
  with-selector "uuid=$(id_of db-1)" with-selector 'nothing-*,db-1'
expect_status 0
names() { sed -n "$1p" <<<"$out" | jq -r '[.vms[].name] | sort | join(" ")'; }
[[ $(names 1) == 'web-1 web-2' ]] || fail "by name: $(names 1)"
[[ $(names 2) == web-1 ]] || fail "by title: $(names 2)"
[[ $(names 3) == web-2 ]] || fail "by tag: $(names 3)"
[[ $(names 4) == 'web-1 web-2' ]] || fail "by exclusion: $(names 4)"
[[ $(names 5) == db-1 ]] || fail "by uuid: $(names 5)"
[[ $(names 6) == db-1 ]] || fail "with a missing one: $(names 6)"
expect '.missing[0].what' 'nothing-*'

stage "the record of a domain that is off"
rec=$(record web-1)
for want in '.provider == "libvirt"' '.power == "stopped"' \
  ".os_disk.path == \"$work/web-1.img\"" '.os_disk.size_bytes == 1048576' \
  '.os_disk.format == "raw"' '.tags.title == "shop front"' \
  '.refusals == null' '.mark == null' '.attributes.autostart == false'; do
  jq -e "$want" >/dev/null <<<"$rec" || fail "$want: $rec"
done
[[ $(jq -r .attributes.definition <<<"$rec") == \
"$(virsh dumpxml --inactive web-1)" ]] || fail "the definition is not whole"
call describe '{"ids": ["00000000-0000-4000-8000-000000000000"]}'
expect '.gone | length' 1

stage "mark, stop, start and unmark leave every byte as it was"
for name in web-1 web-2; do
  boot_sector "$work/$name.img"
  dump "$name" >"$work/before"
  [[ $name == web-1 ]] || virsh -q start "$name" # one marked while running
  call mark "$(mark c1 me "$name")"
  expect '.failed | length' 0
  [[ $(record "$name" | jq -r .mark.campaign) == c1 ]] || fail "no mark"
  [[ $(record "$name" | jq -r .attributes.definition) == \
"$(sed "s/ passwd='[^']*'//" "$work/before")" ]] ||
    fail "the mark shows in the definition"
  libvirtd_stop
  libvirtd_start
  [[ $(record "$name" | jq -r .mark.campaign) == c1 ]] ||
    fail "the mark did not survive libvirtd"
  vms="{\"vms\": [$(record "$name")], \"force\": true}"
  call start "$vms" start "$vms"
  expect '.failed | length' 0
  [[ $(power "$name") == running ]] || fail "it does not run"
  call stop "$vms" stop "$vms" start "$vms"
  expect '.failed | length' 0
  call unmark "$(mark other me "$name")"
  expect '.failed[0].error.code' conflict
  call unmark "$(mark c1 me "$name")" unmark "$(mark c1 me "$name")"
  expect '.failed | length' 0
  if virsh dumpxml "$name" | grep bootmend:; then fail "still marked live"; fi
  call stop "$vms"
  dump "$name" | diff "$work/before" - || fail "$name: another definition"
done
call restore-attributes "$(jq -nc --argjson vm "$(record web-1)" \
  '{vm: $vm, saved: $vm}')"
expect_status 0
virsh -q desc web-1 --config "changed by somebody" >/dev/null
call restore-attributes "$(jq -nc --argjson vm "$rec" '{vm: $vm, saved: $vm}')"
expect '.error.code' conflict

stage "two controllers race for a mark: one wins"
for round in 1 2 3 4 5; do
  for who in a b c d; do
    provider-call libvirt "$uri" mark "$(mark "c-$who" "host-$who" db-1)" \
      >"$work/race-$who" &
  done
  wait %1 %2 %3 %4 || true
  winners=$(jq -r 'select(.failed == []) | "won"' "$work"/race-? | wc -l)
  ((winners == 1)) || fail "round $round: $winners winners"
  winner=$(grep -l '"failed":\[\]' "$work"/race-?)
  [[ $(record db-1 | jq -r .mark.campaign) == c-${winner##*-} ]] ||
    fail "the mark is not the winner's"
  call unmark "$(mark "c-${winner##*-}" x db-1)"
  expect '.failed | length' 0
done

stage "a guest that ignores the power button is stopped by force"
vms="{\"vms\": [$(record web-1)]}"
call start "$vms" stop "$vms"
expect '.failed | length' 0
[[ $(power web-1) == running ]] || fail "it has stopped"
call stop "$(jq -c '.force = true' <<<"$vms")"
[[ $(power web-1) == stopped ]] || fail "it has not stopped"

stage "refusals"
define second "device: <disk type='file' device='disk'><driver name='qemu' type='raw'/><source file='$work/web-1.img'/><target dev='vdb' bus='virtio'/></disk>"
[[ $(warnings web-1) == *disk-of-another* ]] || fail "$(warnings web-1)"
virsh -q start second
[[ $(refusals web-1) == disk-in-use ]] || fail "in use: $(refusals web-1)"
virsh -q destroy second
virsh -q undefine second
qemu-io -f raw -c 'sleep 600000' "$work/web-1.img" &
holder=$!
is_refused() { [[ $(refusals "$1") == "$2" ]]; }
wait_for 30 is_refused web-1 disk-in-use ||
  fail "open elsewhere: $(refusals web-1)"
call start "{\"vms\": [$(record web-1)]}"
expect '.failed[0].error.code' conflict
[[ $(last '.failed[0].error.message') == *lock* ]] || fail "libvirt's words?"
kill "$holder"
wait "$holder" || true
qemu-img create -q -f qcow2 -b "$work/db-1.img" -F raw "$work/over.qcow2"
define over
sed "s|over.img|over.qcow2|; s|type='raw'|type='qcow2'|" "$work/over.xml" \
  >"$work/over2.xml"
virsh -q undefine over
virsh -q define "$work/over2.xml"
[[ $(refusals db-1) == backing-of-another ]] || fail "base: $(refusals db-1)"
[[ -z $(refusals over) ]] || fail "over: $(refusals over)"
[[ $(record over | jq .os_disk.size_bytes) == 1048576 ]] || fail "virtual size"
virsh -q start over
virsh -q snapshot-create-as over s1 --disk-only --diskspec \
  "vda,file=$work/over-s1.qcow2" >/dev/null
[[ -z $(refusals over) ]] || fail "top of a snapshot: $(refusals over)"
[[ $(warnings over) == *snapshots* ]] || fail "snapshot: $(warnings over)"
virsh -q destroy over
dump over | sed "s|over-s1.qcow2|over.qcow2|" >"$work/over3.xml"
virsh -q define "$work/over3.xml"
[[ $(refusals over) == snapshot-overlay ]] || fail "below: $(refusals over)"
virsh -q start web-2
virsh -q suspend web-2
[[ $(refusals web-2) == paused ]] || fail "paused: $(refusals web-2)"
virsh -q resume web-2
virsh -q managedsave web-2 >/dev/null
[[ $(refusals web-2) == managed-save ]] || fail "saved: $(refusals web-2)"
call start "{\"vms\": [$(record web-2)]}"
expect '.failed[0].error.code' refused
virsh -q managedsave-remove web-2
domain_xml passing >"$work/passing.xml"
truncate -s 1M "$work/passing.img"
virsh -q create "$work/passing.xml"
[[ $(refusals passing) == transient-domain ]] || fail "$(refusals passing)"
call stop "{\"vms\": [$(record passing)], \"force\": true}"
expect '.failed[0].error.code' refused
virsh -q destroy passing
mv "$work/web-2.img" "$work/away"
[[ $(refusals web-2) == disk-missing ]] || fail "missing: $(refusals web-2)"
mv "$work/away" "$work/web-2.img"

stage "serial log, screenshot, agent"
define talk "device: <channel type='unix'><target type='virtio' name='org.qemu.guest_agent.0'/></channel>"
vm="{\"vm\": $(record talk)}"
call serial-log "$vm"
expect '.after.inode' 0
printf 'before\n' >"$work/talk.log"
call serial-log "$vm"
expect .text before
next() { last .after >"$work/after" && jq -c --slurpfile a "$work/after" \
  '.after = $a[0]' <<<"$vm"; }
printf 'BOOT \xff OK\n' >>"$work/talk.log"
call serial-log "$(next)"
expect .text 'BOOT \xff OK'
cp "$work/talk.log" "$work/talk.log.0"
printf 'a wholly new text that is longer than the one before\n' >"$work/talk.log"
call serial-log "$(next)"
expect .text 'a wholly new text that is longer than the one before'
printf 'end of old\n' >>"$work/talk.log"
mv "$work/talk.log" "$work/talk.log.0"
printf 'start of new\n' >"$work/talk.log"
call serial-log "$(next)"
expect .text $'end of old\nstart of new'
call guest-ping "$vm"
expect .why 'the domain is off'
boot_sector "$work/talk.img"
virsh -q start talk
call guest-ping "$vm" screenshot "$vm"
[[ $(sed -n 1p <<<"$out" | jq -r .alive) == false ]] || fail "who answered?"
case $(last .type) in
  image/png) last .data | base64 -d | head -c 4 | grep -q PNG ;;
  image/x-portable-pixmap) last .data | base64 -d | head -c 2 | grep -q P6 ;;
  *) fail "a picture of type $(last .type)" ;;
esac || fail "not the picture it says"

for ((i = 0; i < 9000; i++)); do
  echo "$i: a line of a guest that loops and loops and loops"
done >>"$work/talk.log"
call serial-log "$vm" serial-log "$(next)"
(($(last '.text | length') == 262144)) || fail "not the newest part"
[[ $(last .text) == *$'\n'8999:* ]] || fail "not the end"

stage "a console that only a pty has"
# A BIOS that prints on the serial port is not at hand: a boot sector does.
# mov dx,3f8h; L: mov al,'!'; out dx,al; mov cx,0; loop $; jmp L
define pty
sed "s|<serial type='file'>.*</serial>|<serial type='pty'/>|" "$work/pty.xml" \
  >"$work/pty2.xml"
virsh -q undefine pty
virsh -q define "$work/pty2.xml"
boot_sector "$work/pty.img"
printf '\xba\xf8\x03\xb0\x21\xee\xb9\x00\x00\xe2\xfe\xeb\xf6' |
  dd of="$work/pty.img" conv=notrunc status=none
vms="{\"vms\": [$(record pty)], \"vm\": $(record pty), \"force\": true}"
call serial-log "$vms" start "$vms" sleep 4 serial-log "$vms" \
  stop "$vms" sleep 1 serial-log "$vms"
expect_status 0
[[ $(sed -n 1p <<<"$out" | jq -r .text) == '' ]] || fail "text of nothing"
[[ $(sed -n 4p <<<"$out" | jq -r .text) == *'!!'* ]] || fail "nothing heard"
[[ $(last .text) == *'!!'* ]] || fail "what was heard is lost with the domain"

stage "a machine that panics is diagnosed by what it really said"
# Writes the text at 7c40h on the serial port, each byte when there is room:
# ds:si = text; L: lodsb; end at 0; W: wait for bit 5 of 3fdh; out 3f8h; jmp L
define panic
boot_sector "$work/panic.img"
printf '\x31\xc0\x8e\xd8\xbe\x40\x7c\xba\xf8\x03\xac\x84\xc0\x74\x10\x88\xc3\xb2\xfd\xec\xa8\x20\x74\xfb\xb2\xf8\x88\xd8\xee\xeb\xeb\xfa\xf4\xeb\xfd' |
  dd of="$work/panic.img" conv=notrunc status=none
printf 'Linux version 6.1\r\nKernel panic - not syncing: VFS: Unable to mount root fs on unknown-block(0,0)\r\n\0' |
  dd of="$work/panic.img" bs=1 seek=64 conv=notrunc status=none
virsh -q start panic
for ((i = 0; i < 100; i++)); do
  if grep -q 'block(0,0)' "$work/panic.log" 2>/dev/null; then break; fi
  sleep 0.2
done
# ... and one that is off by what is on its disk, which stays as it is.
mkdir -p "$work"/tree/{etc,usr/lib/systemd}
echo 'PRETTY_NAME="Test"' >"$work/tree/usr/lib/os-release"
echo 'UUID=deadbeef-0000-0000-0000-000000000000 /data xfs defaults 0 2' >"$work/tree/etc/fstab"
truncate -s 16M "$work/off.img"
mke2fs -q -t ext4 -d "$work/tree" "$work/off.img"
define off
sum=$(sha256sum <"$work/off.img")
run bootmend diagnose --json libvirt:panic libvirt:off
expect_status 0
expect_msg 'of 1 VMs that are not off only the consoles were read'
jq -e '.vms[] | select(.name == "off") |
  [.diagnoses[].recipe] | index("linux-fstab-nofail") != null' \
  <<<"$out" >/dev/null || fail "a disk of a VM that is off: $out"
[[ $(sha256sum <"$work/off.img") == "$sum" ]] || fail "the disk was changed"
jq -e '.vms[] | select(.name == "panic") | .diagnosis == "no-root-fs" and
  (.seen[0].what | contains("the VM is running")) and
  .diagnoses[0].recipe == "linux-kernel-previous" and
  (.diagnoses[0].evidence[0].what | startswith("Kernel panic - not syncing"))' \
  <<<"$out" >/dev/null || fail "a real console: $out"
virsh -q destroy panic

stage "a QEMU that hangs"
qemu=$(cat /run/libvirt/qemu/talk.pid)
kill -STOP "$qemu"
began=$SECONDS
call screenshot "$vm" describe "{\"ids\": [\"$(id_of talk)\"]}" \
  stop "{\"vms\": [$(record talk)], \"force\": true}"
((SECONDS - began < 120)) || fail "it took $((SECONDS - began)) s"
[[ $(sed -n 1p <<<"$out" | jq -r .error.code) == timeout ]] ||
  fail "a hung screenshot gave no timeout"
kill -CONT "$qemu" 2>/dev/null || true
[[ $(power talk) == stopped ]] || fail "a hung QEMU could not be stopped"

stage "libvirtd goes and comes back"
provider-call libvirt "$uri" describe "{\"ids\": [\"$(id_of web-1)\"]}" \
  sleep 6 describe '{"ids": []}' sleep 8 describe '{"ids": []}' \
  >"$work/gone" 2>&1 &
sleep 2
libvirtd_stop -KILL
sleep 7
libvirtd_start
wait $! || true
[[ $(jq -r 'select(.error) | .error.code' "$work/gone") == transient ]] ||
  fail "while it is away: $(cat "$work/gone")"
[[ $(tail -n 1 "$work/gone" | jq -r '.vms | length') == 0 ]] ||
  fail "after it is back: $(cat "$work/gone")"

stage "no such server"
run provider-call libvirt 'qemu:///nonsense' find '{}'
expect_status 1
expect_no_msg
expect '.error.code' usage
libvirtd_stop
run provider-call libvirt "$uri" find '{}'
expect_status 1
expect_no_msg
[[ $(last .error.message) == *"$uri"*virsh* ]] || fail "no advice"
