#!/usr/bin/env bash
# fix-disk and inspect on real images: what is broken is repaired and put back
# byte for byte; what can't be repaired is named and stays as it is, whatever is
# wrong with it, and without harm to its neighbours in the same appliance.
. "$(dirname "$0")/../functions.sh"
requires mkntfs qemu-img jq
make_disk=$source_dir/tests/fleet/make-disk
export TMPDIR=$work

"$make_disk" --bad bad.img bad2.img
"$make_disk" --good --format qcow2 good.qcow2
"$make_disk" --bad --hibernated hibernated.img
: >empty.img
head -c 3M /dev/urandom >noise.img
truncate -s 16M no-os.img
mkntfs -q -F -f no-os.img >/dev/null 2>&1
head -c 100000 good.qcow2 >cut.qcow2
cp bad.img locked.img
chmod 444 locked.img
# a raw disk whose guest wants it to be opened as something else
qemu-img create -q -f qcow2 -b /etc/hostname -F raw deceit.img 1M
all=(bad.img good.qcow2 hibernated.img empty.img noise.img no-os.img cut.qcow2
  locked.img deceit.img missing.img)
sha256sum -- *.img *.qcow2 >before

row() { # IMAGE: its row of the JSON result
  # shellcheck disable=SC2016 # jq's
  json -c --arg name "$1" '.disks[] | select(.image == $name)'
}
outcome() { # IMAGE OUTCOME [TEXT]: in refusal or reason
  local found
  found=$(row "$1" | jq -r '.outcome')
  [[ $found == "$2" ]] || fail "$1: $found, expected $2: $(row "$1")"
  [[ $(row "$1" | jq -r '"\(.refusal // "") \(.reason // "")"') == *"${3:-}"* ]] ||
    fail "$1: not for the reason '${3:-}': $(row "$1")"
}
unchanged() { # LIST-OF-SUMS
  sha256sum --quiet -c "$1" || fail "an image was changed"
}
no_agents_left() {
  ! pgrep -f "$build_dir/bin/bootmend-agent" >/dev/null
}

common_outcomes() {
  outcome hibernated.img refused hibernated
  outcome empty.img refused empty
  outcome noise.img refused no-
  outcome no-os.img refused no-os
  outcome missing.img failed 'No such file'
  outcome deceit.img failed 'give --format'
  [[ $(row cut.qcow2 | jq -r .outcome) =~ ^(refused|failed)$ ]] ||
    fail "cut.qcow2: $(row cut.qcow2)"
}

# ---- words ----
run bootmend fix-disk bad.img ./bad.img -r crowdstrike-291
expect_status 2
expect_msg 'the same file'
run bootmend fix-disk bad.img
expect_status 2
expect_msg '--recipe is missing'
run bootmend inspect --format vhd bad.img
expect_status 2

# ---- looking ----
run bootmend fix-disk --dry-run --json --progress json "${all[@]}" \
  -r crowdstrike-291
expect_status 3
outcome bad.img needed
outcome good.qcow2 clean
outcome locked.img needed
common_outcomes
unchanged before
[[ ! -e bad.img.bootmend ]] || fail "a dry run made evidence"
[[ $(json .kind) == fix-disk && $(json .counts.needed) == 2 ]] || fail "counts"
grep '^{' .msg | jq -es 'all(.kind == "progress" and .bootmend == 1) and
  (map(select(.event == "done")) | length) == 10 and .[-1].done == 10' \
  >/dev/null || fail "progress lines: $msg"

# ---- repairing ----
run bootmend fix-disk --json --progress none "${all[@]}" -r crowdstrike-291
expect_status 3
expect_no_msg
outcome bad.img repaired
outcome good.qcow2 clean
common_outcomes
# root may write to what nobody is meant to write to, and still must not
outcome locked.img refused read-only
grep -v ' bad.img$' before >rest
unchanged rest
[[ -s bad.img.bootmend/manifest.json ]] || fail "no evidence"
shopt -s nullglob
left=(*.bootmend)
[[ ${left[*]} == bad.img.bootmend ]] || fail "left behind: ${left[*]}"

run bootmend fix-disk --progress none bad.img -r crowdstrike-291
expect_status 0
expect_out 'clean'
expect_out 'by an earlier run'

# ---- and back ----
run bootmend fix-disk --undo --progress none bad.img bad2.img
expect_status 3
expect_out undone
expect_out no-evidence
unchanged before

# ---- ^C ----
# (a shell's background jobs ignore SIGINT, which bootmend would respect)
env --default-signal=INT bootmend fix-disk --progress plain bad.img bad2.img \
  -r crowdstrike-291 >out 2>messages &
pid=$!
wait_for 60 grep -q 'starting an appliance' messages || fail "$(cat messages)"
kill -INT "$pid"
code=0
wait "$pid" || code=$?
((code == 4)) || fail "exit status $code after ^C: $(cat out messages)"
grep -q 'bootmend: Interrupt: disks in work are finished' messages ||
  fail "$(cat messages)"
unchanged before
wait_for 30 no_agents_left || fail "an agent is left"

# ---- inspect ----
run bootmend inspect --no-recipes --progress none bad.img
expect_status 0
expect_out 'bad.img: raw, 64 MiB, partition table mbr'
expect_out 'log dirty (version 2.0)'
expect_out 'System: windows'
unchanged before

# recipes are tried in the same appliance, as a dry run would say it
run bootmend inspect --json --progress plain bad.img good.qcow2 hibernated.img \
  noise.img --workers 1
[[ $(grep -c 'starting an appliance' <<<"$msg") == 1 ]] || fail "$msg"
unchanged before
tried() { # IMAGE: its recipes and their outcomes
  # shellcheck disable=SC2016 # jq's
  json -c --arg name "$1" \
    '.disks[] | select(.image == $name) | .recipes | map([.name, .outcome])'
}
recipe_291() { # IMAGE FILTER: of its row for crowdstrike-291
  # shellcheck disable=SC2016 # jq's
  json -c --arg name "$1" ".disks[] | select(.image == \$name) | .recipes[] |
    select(.name == \"crowdstrike-291\") | $2"
}
[[ $(tried bad.img) == *'["crowdstrike-291","needed"]'* ]] || fail "$(tried bad.img)"
[[ $(tried good.qcow2) == *'["crowdstrike-291","clean"]'* ]] ||
  fail "$(tried good.qcow2)"
[[ $(tried hibernated.img) == '[]' && $(tried noise.img) == '[]' ]] || fail "$out"
# (the one file must not be counted for two recipes)
[[ $(recipe_291 bad.img '.matches | length') == 1 ]] || fail "$out"
[[ $(recipe_291 bad.img '.changes[0].path') == */C-00000291* ]] || fail "$out"
[[ $(recipe_291 bad.img '.what') == 'would delete C-00000291-'* ]] || fail "$out"
[[ $(recipe_291 good.qcow2 '.kept | length') == 1 ]] || fail "$out"

# ---- no agent ----
mkdir alone
cp "$build_dir/bin/bootmend" alone
PATH=/usr/bin:/bin run alone/bootmend inspect bad.img
expect_status 1
expect_msg 'bootmend-agent'
