#!/usr/bin/env bash
# SIGKILL at every stage of a repair and of its undo: the patient is untouched,
# or whole, or the next run finishes it; an undo then brings the bytes back.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-batch.sh"
images_make
real_qemu_img=$(command -v qemu-img)
original=$(sha256sum <"$images_dir/gpt-win.raw")

# qemu-img, but at a "commit" it kills the repair: before it begins (before),
# when half of the change is written (half), or when all of it is (after).
mkdir "$work/bin"
cat >"$work/bin/qemu-img" <<END
#!/usr/bin/env bash
if [[ \$1 == commit && -n \${BOOTMEND_TEST_COMMIT:-} ]]; then
  case \$BOOTMEND_TEST_COMMIT in
  half)
    patient=\${*: -1}
    patient=\${patient##*backing.file.filename=}
    patient=\${patient%%,*}
    overlay=\${*: -1}
    overlay=\${overlay#*file.filename=}
    overlay=\${overlay%%,*}
    # the first block that changes, and nothing of the rest
    $real_qemu_img convert -U -f qcow2 -O raw "\$overlay" $work/new
    now=\$patient
    [[ \$patient == *.qcow2 ]] && now=$images_dir/gpt-win.raw
    at=\$(cmp $work/new "\$now" | grep -o 'byte [0-9]*')
    at=\$(((\${at#byte } - 1) / 4096))
    dd if=$work/new of=$work/block bs=4096 count=1 skip=\$at status=none
    if [[ \$patient == *.qcow2 ]]; then
      qemu-io --image-opts "driver=qcow2,file.filename=\$patient,file.locking=off" \\
        -c "write -q -s $work/block \$((at * 4096)) 4096" >&2 || exit 1
    else
      # of it only the half, as a torn write
      dd if=$work/block of="\$patient" bs=2048 count=1 seek=\$((at * 2)) \\
        conv=notrunc status=none
      dd if=$work/block of="\$patient" bs=512 count=1 skip=7 \\
        seek=\$((at * 8 + 7)) conv=notrunc status=none
    fi ;;
  after) $real_qemu_img "\$@" ;;
  esac
  kill -KILL \$PPID
  exit 1
fi
exec $real_qemu_img "\$@"
END
chmod +x "$work/bin/qemu-img"

state() {
  jq -r .state "$work/evidence/$1/manifest.json" 2>/dev/null || echo none
}

# killed ID VARIABLE VALUE STATE: a repair that is killed leaves this state
killed() {
  local code=0
  [[ -e $work/disks/$1.raw || $1 == *.qcow2 ]] || image gpt-win "$1"
  if [[ $1 == *.qcow2 ]]; then
    work_add "$1" "${5:-apply}" "$work/disks/$1" '{"format": "qcow2"}'
  else
    work_add "$1" "${5:-apply}" "$work/disks/$1.raw"
  fi
  (
    # shellcheck disable=SC2030
    export PATH=$work/bin:$PATH "$2=$3"
    batch_run
  ) 2>/dev/null || code=$?
  works=()
  ((code == 137)) || fail "$1: it ended with $code, not by the kill"
  [[ $(state "$1") == "$4" ]] ||
    fail "$1: state $(state "$1"), expected $4"
}
same() { [[ $(sha256sum <"$work/disks/$1.raw") == "$original" ]]; }

before=(opened backed-up checked closed)
killed opened BOOTMEND_TEST_KILL opened:opened none
killed backed-up BOOTMEND_TEST_KILL backed-up:backed-up begun
killed checked BOOTMEND_TEST_KILL checked:checked begun
killed closed BOOTMEND_TEST_KILL closed:closed begun
for id in "${before[@]}"; do
  same "$id" || fail "$id: changed before the commit"
done
within=(saved before half after committed foreign)
killed saved BOOTMEND_TEST_KILL saved:saved commit
killed before BOOTMEND_TEST_COMMIT before commit
killed half BOOTMEND_TEST_COMMIT half commit
killed after BOOTMEND_TEST_COMMIT after commit
killed committed BOOTMEND_TEST_KILL committed:committed "done"
# a qcow2 over a sparse raw backing file: most of the window falls through
image gpt-win base
qemu-img create -q -f qcow2 -b "$work/disks/base.raw" -F raw \
  "$work/disks/half.qcow2"
killed half.qcow2 BOOTMEND_TEST_COMMIT half commit
same base || fail "the backing file was written"
same saved || fail "saved: changed"
same before || fail "before: changed"
cmp -s "$work/disks/half.raw" "$images_dir/gpt-win.raw" && fail "half: the test did not write"

# no QEMU and no lock outlives the killed
for id in "${before[@]}" saved; do
  flock -n "$work/evidence/$id/lock" true || fail "$id: still locked"
done

# cut short, and then the VM was started: finishing would destroy
cp --sparse=always "$work/disks/half.raw" "$work/disks/foreign.raw"
cp -r "$work/evidence/half" "$work/evidence/foreign"
sed -i "s|disks/half.raw|disks/foreign.raw|" \
  "$work/evidence/foreign/manifest.json"
at=$(jq '.extents[0][0]' "$work/evidence/foreign/manifest.json")
printf 'someone else' | dd of="$work/disks/foreign.raw" bs=1 seek=$((at + 100)) \
  conv=notrunc status=none
foreign=$(sha256sum <"$work/disks/foreign.raw")

### the next run
for id in "${before[@]}" "${within[@]}"; do
  work_add "$id" apply "$work/disks/$id.raw"
done
work_add half.qcow2 apply "$work/disks/half.qcow2" '{"format": "qcow2"}'
batch
for id in "${before[@]}" saved before half after committed half.qcow2; do
  expect "$id" .outcome repaired
  expect "$id" .changed true
  [[ $(state "$id") == "done" ]] || fail "$id: $(state "$id")"
done
expect foreign .outcome refused
expect foreign .refusal changed-since
[[ $(sha256sum <"$work/disks/foreign.raw") == "$foreign" ]] ||
  fail "foreign: written to"
# all of them are the same repaired disk but for times within NTFS
for id in "${before[@]}" saved before half after committed; do
  work_add "$id" report "$work/disks/$id.raw"
done
batch
for id in "${before[@]}" saved before half after committed; do
  expect "$id" .outcome clean
done

### a killed undo is finished by the next one
killed half BOOTMEND_TEST_COMMIT before undo-commit undo
killed after BOOTMEND_TEST_COMMIT half undo-commit undo
killed saved BOOTMEND_TEST_COMMIT after undo-commit undo
for id in "${before[@]}" saved before half after committed; do
  work_add "$id" undo "$work/disks/$id.raw"
done
work_add half.qcow2 undo "$work/disks/half.qcow2" '{"format": "qcow2"}'
batch
expect half.qcow2 .outcome undone
qemu-img compare -q -f qcow2 -F raw "$work/disks/half.qcow2" \
  "$images_dir/gpt-win.raw" || fail "half.qcow2: undo"
for id in "${before[@]}" saved before half after committed; do
  expect "$id" .outcome undone
  same "$id" || fail "$id: undo does not bring the bytes back"
done

### the disk of the patient is full in the middle of the write: all is back
image gpt-win full
cat >"$work/bin/qemu-img" <<END
#!/usr/bin/env bash
if [[ \$1 == commit && ! -e $work/failed ]]; then
  touch $work/failed
  echo "qemu-img: No space left on device" >&2
  exit 1
fi
exec $real_qemu_img "\$@"
END
work_add full apply "$work/disks/full.raw"
# shellcheck disable=SC2031
PATH=$work/bin:$PATH batch
expect full .outcome failed
expect full .changed false
result full .reason | grep -q 'the old content is back' || fail "full: reason"
same full || fail "full: changed"

### the time limit of one disk: it is named, untouched, and the others get no
### wrong answer
image gpt-win slow
image gpt-win other
work_add slow apply "$work/disks/slow.raw" '{"limit_ms": 1}'
work_add other apply "$work/disks/other.raw"
batch_run && fail "a hung appliance is no success"
expect slow .outcome failed
expect slow .error.code timeout
[[ -z $(result other .outcome) ]] || fail "other: has an answer"
same slow || fail "slow: changed"
same other || fail "other: changed"
