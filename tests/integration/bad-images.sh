#!/usr/bin/env bash
# Images that can't be repaired, from the seat of who runs fix-disk: each alone
# ends with exit status 1 and one row that names it, the reason and what to do,
# all of them together do no harm to the good one between them, and no byte of
# any and no file beside it is changed.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
images_make

cd "$work/disks"
image win good
image two-win
image no-os
image mbr-hiber
image win read-only
chmod 444 read-only.raw
image win writer # open for writing by a program without any locks
exec 8<>writer.raw
image win vm # open by QEMU
# It waits for words on a pipe that ends with us: nothing that outlives the test
# may hold its output.
mkfifo "$work/words"
exec 9<>"$work/words"
qemu-io -f raw vm.raw <"$work/words" >/dev/null 2>&1 9>&- &
at_exit kill $!
image gpt-win truncated
truncate -s 12M truncated.raw
: >empty.raw
head -c 2M /dev/urandom >noise.raw
echo 'Dear diary' >text.raw
qemu-img convert -O qcow2 win.raw cut.raw 2>/dev/null ||
  qemu-img convert -O qcow2 good.raw cut.raw
mv cut.raw cut.qcow2
truncate -s 1M cut.qcow2
sleep 1 # for qemu-io
hashes >"$work/before"

# IMAGE, whether it needs an appliance to be found out, and what its row says.
# (Those that do are only tried together: each start takes seconds.)
table() {
  cat <<'END'
empty.raw      -         refused  empty           is empty
text.raw       -         refused  -               -
read-only.raw  -         refused  read-only       -
writer.raw     -         refused  in-use          -
vm.raw         -         refused  in-use          qemu-io
cut.qcow2      -         refused  image-damaged   -
truncated.raw  -         refused  truncated       -
noise.raw      -         refused  no-disk         -
two-win.raw    needs     refused  several-os      -
no-os.raw      needs     refused  no-os           -
mbr-hiber.raw  needs     refused  hibernated      -
END
}

check_row() { # IMAGE OUTCOME CODE TEXT
  local row
  # shellcheck disable=SC2016 # jq's
  row=$(json -c --arg name "$1" '.disks[] | select(.image == $name)')
  [[ $(jq -r .outcome <<<"$row") == "$2" ]] || fail "$1: not $2: $row"
  [[ $3 == - || $(jq -r .refusal <<<"$row") == "$3" ]] || fail "$1: not $3: $row"
  [[ $4 == - || $(jq -r .reason <<<"$row") == *"$4"* ]] ||
    fail "$1: does not say '$4': $row"
  [[ $(jq -r '.reason | length' <<<"$row") -gt 20 ]] || fail "$1: no reason"
}

while read -r name needs outcome code text; do
  [[ $needs == - ]] || continue
  run bootmend fix-disk --progress none "$name" -r crowdstrike-291
  expect_status 1
  expect_no_msg
  [[ $(grep -c "^$name  *$outcome " <<<"$out") == 1 ]] || fail "$name: no row"
  run bootmend fix-disk --progress none --json "$name" -r crowdstrike-291
  expect_status 1
  check_row "$name" "$outcome" "$code" "$text"
done < <(table)
hashes | diff "$work/before" - || fail 'an image was changed'

# shellcheck disable=SC2046 # words
run bootmend fix-disk --progress none --json -r crowdstrike-291 \
  $(table | cut -d' ' -f1) good.raw
expect_status 3
while read -r name needs outcome code text; do
  check_row "$name" "$outcome" "$code" "$text"
done < <(table)
[[ $(json '.disks[] | select(.image == "good.raw").outcome') == repaired ]] ||
  fail 'the good one'
rm -rf good.raw.bootmend
diff <(grep -v good "$work/before") <(hashes | grep -v good) ||
  fail 'an image was changed, or something is left beside it'
