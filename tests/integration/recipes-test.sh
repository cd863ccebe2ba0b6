#!/usr/bin/env bash
# `recipes test`, with the example of docs/recipes.md as its recipe: what is
# documented works, a recipe that does not keep its promises fails, and the
# images are only read.
. "$(dirname "$0")/../functions.sh"
requires mke2fs jq qemu-img
cd "$work"
export TMPDIR=$work/tmp BOOTMEND_STATE_DIR=$build_dir/test-state
mkdir -p tmp

# The example and the kinds of disks that it speaks of.
# shellcheck disable=SC2016 # Markdown's
sed -n '/^```json/,/^```$/{/^```/d;p}' "$source_dir/docs/recipes.md" \
  >acme-rules.json
run bootmend recipes check ./acme-rules.json
expect_status 0
mkdir -p tree/{etc/systemd/system,usr/lib,opt/acme/rules}
: >tree/etc/fstab
echo 'PRETTY_NAME="Acme Linux"' >tree/usr/lib/os-release
printf 'RUL1 old' >tree/opt/acme/rules/r-1000.rul
touch -d 2026-03-01T00:00:00Z tree/opt/acme/rules/r-1000.rul
disk() { # NAME
  truncate -s 16M "$1"
  mke2fs -q -t ext4 -d tree "$1"
}
disk healthy.img
printf 'RUL1 bad' >tree/opt/acme/rules/r-1042.rul
printf 'note' >tree/opt/acme/rules/note.rul
touch -d 2026-03-02T07:00:00Z tree/opt/acme/rules/{r-1042,note}.rul
disk acme.img
qemu-img convert -O qcow2 acme.img acme.qcow2
sha256sum -- *.img *.qcow2 >before

run bootmend recipes test ./acme-rules.json --disk acme.img \
  --disk healthy.img --disk acme.qcow2 --progress none --json
expect_status 0
[[ $(json -c '[.disks[] | [.report, .apply, .again, .undo | .outcome]]') == \
  '[["needed","repaired","clean","undone"],["clean","clean","clean",null],["needed","repaired","clean","undone"]]' ]] ||
  fail "$out"
[[ $(json '.disks[0].apply.changes | map(.path) | join(" ")') == \
  '/opt/acme/rules/r-1042.rul /etc/systemd/system/acmed.service' ]] ||
  fail "$out"
[[ $(json '.disks[0].report.kept | map(.path) | join(" ")') == \
  *note.rul*r-1000.rul* ]] || fail "what was kept: $out"

# A recipe that finds something each time, one disk that is none, and a file
# that is brought along, larger than anything that an agent may say.
head -c 5M /dev/urandom >large.bin
jq --arg sum "$(sha256sum <large.bin | cut -c1-64)" '.name = "restless"
  | .parameters = {file: {type: "content", description: "any", default: ""}} | .actions = [
  {action: "write", path: "/opt/large", content_base64: "${file}", sha256: $sum},
  {action: "write", path: "/etc/x", content: "x", overwrite: true},
  {action: "set-line", path: "/etc/x", pattern: "^x", line: "y"}]
  | del(.check, .match)' acme-rules.json >restless.json
head -c 1M /dev/urandom >noise.img
truncate -s 33M toolarge.bin
run bootmend recipes test ./restless.json --disk acme.img --param file=@toolarge.bin
expect_status 2
expect_msg 'toolarge.bin has 34603008 bytes, and no more than 33554432 can be'
run bootmend recipes test ./restless.json --disk acme.img --disk noise.img \
  --param file=@large.bin --progress none
expect_status 1
expect_out 'again: repaired, not clean'
expect_out 'report: refused: '
sha256sum --quiet -c before || fail "an image was changed"
[[ -z $(ls -A tmp) ]] || fail "left behind: $(ls tmp)"

run bootmend recipes test crowdstrike-291
expect_status 2
expect_msg '--disk is missing'
