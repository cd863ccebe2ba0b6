#!/usr/bin/env bash
# Disks damaged at random places, through the commands an operator uses: inspect,
# diagnose, repair, undo. Each gets an answer in time; what is not repaired keeps
# its hash, what is repaired is undone to the byte, and good disks in the same
# batch are repaired as ever.
#
#   SEED=n COUNT=n tests/integration/disk-hostile.sh
#
# The same SEED makes the same disks. By hand 24 of them, 300 in the long run, of
# which alone it is a part.
# shellcheck disable=SC2154,SC2016,SC2034 # of the libraries; jq's
. "$(dirname "$0")/../functions.sh"
matrix_all=1
# shellcheck source=/dev/null
for lib in images hives linux bitlocker matrix-disks matrix; do
  . "$source_dir/tests/integration/lib-$lib.sh"
done
images_make
matrix_make

SEED=${SEED:-291}
count=${COUNT:-24}
[[ -z ${BOOTMEND_TEST_LONG:-} ]] || count=${COUNT:-300}
chunk=24
limit=180
echo "SEED=$SEED COUNT=$count"

# DISK STRUCTURE
kinds=(
  "w-mbr mbr"
  "w-gpt-efi partition-table"
  "w-mbr boot-sector"
  "w-whole mft"
  "w-many index"
  "w-hive-new hive"
  "w-hive-new hive-bin"
  "w-hive-new hive-log"
  "w-hive-split hive-log"
  "w-dirty-2 log"
  "w-whole anywhere"
  "w-qcow2 qcow2"
  "w-qcow2 qcow2-tables"
  "e-recovery fve"
  "e-clear fve"
  "e-recovery anywhere"
  "l-ext4 ext4"
  "l-gpt partition-table"
  "l-ext4 ext4-groups"
  "l-dirty anywhere"
  "l-btrfs btrfs"
  "l-lvm lvm"
  "l-luks2 luks"
  "l-xfs xfs")

# One for all Windows disks, one for all Linux disks: they reach files, hives and
# texts.
jq '.name = "windows" | .os = "windows" | .actions += [
  {action: "service-disable", service: "csagent"},
  {action: "registry-set", hive: "SYSTEM", value: "fDenyTSConnections",
   key: "CurrentControlSet\\Control\\Terminal Server", type: "dword", data: 0}]' \
  "$source_dir/recipes/data/crowdstrike-291.json" >"$work/windows.json"
jq '.name = "linux" | .actions += [{action: "fstab-let-go"}]' \
  "$source_dir/recipes/data/linux-ssh-restore.json" >"$work/linux.json"

export RECOVERY=$made_recovery PASSPHRASE=$luks_pass
options=(--progress none --json --disk-limit "${limit}s" --keys env:RECOVERY
  --keys env:PASSPHRASE)

# ask WORD...: a command, which ends in time and answers in JSON
ask() {
  run timeout $((300 + limit * 4)) bootmend "$@"
  ((status == 0 || status == 1 || status == 3)) || fail "$1: status $status"
  [[ $msg != *Sanitizer* ]] || fail "$1: a program fell"
}

tell() { # IMAGE: what was done to it, for whoever has to find out
  grep -A 1 "^$1 " "$work/damage"
}

declare -A counts=()
one_row_each() { # WORD IMAGE...
  local name row verb=$1
  shift
  for name; do
    row=$(json -c --arg name "$name" \
      '[.[] | arrays[] | select ((.image // .name) == $name)]
       | if length == 1 then .[0] else empty end')
    [[ -n $row ]] || fail "$verb: no row, or several, for $name: $(tell "$name")"
    row=$(jq -r '(.outcome // .diagnosis) + " " + (.refusal // .error.code // "")' <<<"$row")
    counts[$verb $row]=$((${counts[$verb $row]:-0} + 1))
  done
}

outcome() { # IMAGE
  json --arg name "$1" '.disks[] | select (.image == $name).outcome'
}

# repair SYSTEM IMAGE...: with a good neighbour
repair() {
  local system=$1 good=good-$1.raw name
  local -a repaired=()
  shift
  (($#)) || return 0
  ask fix-disk "${options[@]}" --allow-unsigned -r "$work/$system.json" "$@" \
    "$good"
  one_row_each repair "$@"
  [[ $(outcome "$good") == repaired ]] ||
    fail "$good, beside $*: $(json -c --arg name "$good" '.disks[] | select (.image == $name)')"
  repaired=("$good")
  for name; do
    if [[ $(outcome "$name") == repaired ]]; then
      repaired+=("$name")
    else
      [[ $(sha256sum <"$name") == "${before[$name]}" ]] ||
        fail "$(outcome "$name"), but changed: $(tell "$name")"
    fi
  done
  ask fix-disk "${options[@]}" --undo "${repaired[@]}"
  for name in "${repaired[@]}"; do
    [[ $name == *.qcow2 || $(sha256sum <"$name") == "${before[$name]}" ]] ||
      fail "undo: not as it was: $(tell "$name")"
    [[ $(outcome "$name") == undone ]] || fail "not undone: $name: $(tell "$name")"
  done
}

cd "$work/disks"
for ((first = 0; first < count; first += chunk)); do
  rm -rf ./*
  declare -A before=()
  names=() windows=() linux=()
  for ((i = first; i < first + chunk && i < count; i++)); do
    read -r disk structure <<<"${kinds[i % ${#kinds[@]}]}"
    matrix_image "$disk"
    for file in "$disk".{raw,qcow2}; do
      [[ -e $file ]] || continue
      name=$i-${disk}-$structure.${file##*.}
      mv "$file" "$name"
    done
    echo "$name SEED $((SEED * 100000 + i))" >>"$work/damage"
    disk-damage "$name" "$structure" $((SEED * 100000 + i)) >>"$work/damage"
    names+=("$name")
    if [[ $disk == l-* ]]; then linux+=("$name"); else windows+=("$name"); fi
  done
  matrix_image w-mbr && mv w-mbr.raw good-windows.raw
  matrix_image l-gpt && mv l-gpt.raw good-linux.raw
  for name in "${names[@]}" good-*; do
    before[$name]=$(sha256sum <"$name")
  done

  ask inspect "${options[@]}" "${names[@]}" good-windows.raw
  one_row_each inspect "${names[@]}"
  ask diagnose "${options[@]}" "${names[@]}" good-windows.raw
  one_row_each diagnose "${names[@]}"
  for name in "${names[@]}" good-*; do
    [[ $(sha256sum <"$name") == "${before[$name]}" ]] ||
      fail "a look changed $(tell "$name")"
  done
  repair windows "${windows[@]}"
  repair linux "${linux[@]}"
  echo "$((first + ${#names[@]})) of $count: $SECONDS s"
done
for key in "${!counts[@]}"; do
  echo "${counts[$key]} $key"
done | sort -k2
