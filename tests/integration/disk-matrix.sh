#!/usr/bin/env bash
# What each built-in recipe does on each kind of disk, and that no disk is
# changed by a look or a refusal. The columns are what `bootmend recipes list`
# has. docs/disk-support.md is what this test gives:
#
#   BOOTMEND_TEST_WRITE=1 tests/integration/disk-matrix.sh    writes it
#
# (with BOOTMEND_TEST_LONG=1 too, which has all rows and more genuine BitLocker
# volumes); otherwise the two are compared. The table comes from looks (all recipes tried
# on one disk in one pass). That what is said to be repaired is repaired, clean
# when applied again and undone to the byte, and that what is said to be refused
# is refused by an apply, too, is shown on a diagonal; with BOOTMEND_TEST_LONG=1
# for every cell; with CELLS=REGEX for those that fit, such as 'l-full|rdp-on'.
# shellcheck disable=SC2154,SC2016 # of the libraries; jq's
. "$(dirname "$0")/../functions.sh"
# shellcheck source=/dev/null
for lib in images hives linux bitlocker matrix-disks batch matrix; do
  . "$source_dir/tests/integration/lib-$lib.sh"
done
images_make
matrix_make

# What the program has: a recipe that is added is a column, or there is no page.
recipes_of() { # JQ-FILTER
  bootmend recipes list --json |
    jq -r ".recipes[] | select (.source == \"built-in\" and ($1)) | .name"
}
mapfile -t windows < <(recipes_of '.os != "linux"')
mapfile -t linux < <(recipes_of '.os == "linux"')
((${#windows[@]} >= 10 && ${#linux[@]} >= 7)) || fail "recipes list: too short"
good_hive=$hives_dir/clean/SYSTEM
declare -A values=(
  [windows-service-disable]='{"service": "csagent"}'
  [windows-file-restore]='{"path": "/Windows/System32/svchost.exe"}'
  [windows-hive-restore]="{\"content\": \"$(base64 -w0 "$good_hive")\",
    \"sha256\": \"$(sha256sum <"$good_hive" | cut -c1-64)\"}"
  [linux-module-blacklist]='{"module": "falcon_lsm"}'
  [linux-systemd-mask]='{"unit": "falcon-sensor.service"}'
  [linux-disk-full]='{"rotate": true}')
declare -A keys=(
  [e-recovery]="{\"key\": \"$made_recovery\"}"
  [e-wrong-key]="{\"key\": \"${made_recovery/000033/000034}\"}"
  [e-xts]="{\"key\": \"$xts_recovery\", \"protector\": \"$xts_guid\"}"
  [e-cbc4k]="{\"key\": \"$crypt_password\"}"
  [l-luks2]="{\"key\": \"$luks_pass\"}"
  [l-luks1]='{"key_base64": "YQBiCg=="}')
keys[e-xts-new]=${keys[e-xts]} keys[e-damaged]=${keys[e-xts]}
keys[e-half]=${keys[e-xts]} keys[e-version]=${keys[e-xts]}
keys[e-elephant]=${keys[e-cbc4k]} keys[e-eow]=${keys[e-cbc4k]}
! crypt_genuine ||
  keys[e-win11]="{\"key_base64\": \"$(base64 -w0 "$crypt_dir/$win11_bek")\"}"

mapfile -t rows < <(matrix_here)
per_batch=40
disks=$work/disks

parameters() { # RECIPE
  echo "${values[$1]:-{\}}"
}

# add ID MODE IMAGE ROW [JSON]
add() {
  local format
  format=${3##*.}
  work_add "$1" "$2" "$3" "$(jq -nc --arg f "$format" \
    --argjson k "[${keys[$4]-}]" --argjson more "${5:-{\}}" \
    '{format: $f, keys: $k, limit_ms: 600000} + $more')"
}

# Faster than to read the holes; for those that nothing may write to.
sparse_hashes() {
  (
    cd "$disks"
    for f in *; do
      echo "$(tar --numeric-owner -cSf - "$f" | sha256sum | cut -c1-64) $f"
    done
  )
}

### a look at each

all_recipes=$(for r in "${windows[@]}" "${linux[@]}"; do
  jq -nc --arg r "$r" --argjson p "$(parameters "$r")" \
    '{recipe: $r, parameters: $p}'
done | jq -sc '{recipe: null, recipes: .}')
cp -p --sparse=always "$matrix_dir"/disks/* "$disks/"
sparse_hashes >"$work/before"
looks=$work/looks
: >"$looks"
# This one makes a volume known that the others, and a look, are refused for.
mends='windows-boot-sector'
lost=(w-boot-sector w-boot-both w-root-record)
for ((i = 0; i < ${#rows[@]}; i += per_batch)); do
  for row in "${rows[@]:i:per_batch}"; do
    IFS='|' read -r name format _ <<<"$row"
    add "$name" inspect "$disks/$name.$format" "$name" "$all_recipes"
    [[ " ${lost[*]} " != *" $name "* ]] ||
      add "$name:$mends" report "$disks/$name.$format" "$name" \
        "{\"recipe\": \"$mends\"}"
  done
  batch
  jq -c 'select (.result)' "$results" >>"$looks"
done
sparse_hashes | diff "$work/before" - || fail "a look changed a disk"
echo "looks at ${#rows[@]} disks: $SECONDS s"

# cells NAME RECIPE...: a word each, or the one word for all of them
cells() {
  # shellcheck disable=SC2016 # jq's
  jq -sr --arg id "$1" --argjson recipes "$(printf '%s\n' "${@:2}" | jq -R . | jq -sc .)" '
    def word: if .outcome == "needed" then "repaired"
      elif .refusal then "`\(.refusal)`" else .outcome end;
    (map ({(.id): .result}) | add) as $results | $results[$id] | . as $r
    | (if .outcome != "inspected" then word
       elif .disk.would_refuse then "`\(.disk.would_refuse)`"
       else null end) as $all
    | $recipes[] | . as $name
    | ($results["\($id):\($name)"] | if . then word else null end)
      // $all // ([$r.recipes[]? | select (.name == $name)][0]
                  | if . then word else "`wrong-os`" end)' "$looks"
}

### the document

table() { # LETTER... RECIPE...: the rows of these tables, in Markdown
  local letters=$1 row name text
  shift
  printf '| Disk |%s\n' "$(printf ' %s |' "${@#windows-}")" | sed 's/ linux-/ /g'
  printf '|---|%s\n' "$(printf -- '---|%.0s' "$@")"
  for row in "${rows[@]}"; do
    IFS='|' read -r name _ text <<<"$row"
    [[ $letters == *"${name%%-*}"* ]] || continue
    printf '| %s |%s\n' "$text" "$(cells "$name" "$@" | sed 's/.*/ & |/' | tr -d '\n')"
  done
}

document() {
  cat <<'END'
# Which disks can be repaired

This page is what `tests/integration/disk-matrix.sh` gives: small images in each
situation, and each built-in recipe on each of them. `BOOTMEND_TEST_WRITE=1`
writes it anew; without, the test fails if the page is not what comes out. What
the words mean:

- repaired: there is something to change. The change is made, found clean by a
  second apply, and undone to the byte.
- clean: this recipe has nothing to change on this disk.
- a word `like-this`: refused with this code, before anything was written; the
  image's hash is the same afterwards. `bootmend help` and the report say what
  to do; some refusals can be allowed (`--allow`).

A recipe for the other system is refused as `wrong-os`.

## Windows

All of these disks need every recipe but windows-boot-sector,
windows-hive-from-regback and windows-hive-restore, unless the row says something
else. Recipes without a prefix begin with `windows-`; service-disable is for
`csagent`, file-restore for a missing `svchost.exe`, and hive-restore brings a good
SYSTEM along. Once boot-sector has mended a disk, the others can be used on it.

END
  table w "${windows[@]}"
  cat <<'END'

## BitLocker

Volumes that Windows has made are called genuine; the others are made by the
tests. None of them holds a registry, so recipes that need one find nothing.

END
  table e "${windows[@]}"
  cat <<'END'

## Linux

All recipes begin with `linux-`. disk-full deletes rotated logs here; without
its parameter it only tells.

END
  table l "${linux[@]}"
  cat <<'END'

## Disks without a system

END
  table d crowdstrike-291 linux-fstab-nofail
}

document >"$work/disk-support.md"
page=$source_dir/docs/disk-support.md
if [[ -n ${BOOTMEND_TEST_WRITE:-} ]]; then
  cp "$work/disk-support.md" "$page"
fi
# but for rows whose volumes are not there
comm -23 <(matrix_rows | sort) <(matrix_here | sort) | sed 's/.*|/| /; s/$/ |/' \
  >"$work/not-here"
grep -vF -f "$work/not-here" "$page" | diff - "$work/disk-support.md" ||
  fail "docs/disk-support.md is not what the test gives"
! grep -E '\| (failed|inspected|) \|' "$work/disk-support.md" ||
  fail "a cell has no answer"

### the proof

# take IMAGE-ROW ID: a copy of its own for one cell
take() {
  local format=$2
  mkdir -p "$work/cells/$3"
  cp -p --sparse=always "$disks/$1.$format" "$work/cells/$3/$1.$format"
  [[ $1 != w-backing ]] || cp --sparse=always "$disks/backing.base" "$work/cells/$3/"
}

# sha256 of what the disk says, whatever the format; of the file, if it says
# nothing (its backing file is gone)
content() {
  if [[ $1 == *.qcow2 ]] &&
    qemu-img dd -U -f qcow2 -O raw bs=4M "if=$1" "of=$work/raw" 2>/dev/null; then
    sha256sum <"$work/raw"
    rm -f "$work/raw"
  else
    sha256sum <"$1"
  fi
}

# prove NAME RECIPE WORD...: whole batches of cells
prove() {
  local cells=("$@") cell name format recipe word id
  local -A before=() image=()
  pass() { # MODE EVIDENCE-SUFFIX OUTCOME
    for cell in "${cells[@]}"; do
      read -r name format recipe word <<<"$cell"
      [[ $word == repaired || $1$2 == apply ]] || continue
      id=$name:$recipe
      add "$id" "$1" "${image[$id]}" "$name" "$(jq -nc --arg r "$recipe" \
        --argjson p "$(parameters "$recipe")" --arg e "$work/cells/$id/evidence$2" \
        '{recipe: $r, parameters: $p, evidence: $e}')"
    done
    ((${#works[@]})) || return 0
    batch
    for cell in "${cells[@]}"; do
      read -r name format recipe word <<<"$cell"
      id=$name:$recipe
      if [[ $word == repaired ]]; then
        expect "$id" .outcome "$3"
      elif [[ $1$2 == apply && $word == clean ]]; then
        expect "$id" .outcome clean
      elif [[ $1$2 == apply ]]; then
        expect "$id" .refusal "$word"
      fi
    done
  }
  for cell in "${cells[@]}"; do
    read -r name format recipe word <<<"$cell"
    id=$name:$recipe
    take "$name" "$format" "$id"
    image[$id]=$work/cells/$id/$name.$format
    before[$id]=$(content "${image[$id]}")
  done
  pass apply '' repaired
  for cell in "${cells[@]}"; do
    read -r name format recipe word <<<"$cell"
    id=$name:$recipe
    [[ $word == repaired || $(content "${image[$id]}") == "${before[$id]}" ]] ||
      fail "$id: $word, but changed"
    [[ $word != repaired || $(content "${image[$id]}") != "${before[$id]}" ]] ||
      fail "$id: repaired, but as it was"
  done
  pass apply .2 clean
  pass undo '' undone
  for cell in "${cells[@]}"; do
    read -r name format recipe word <<<"$cell"
    id=$name:$recipe
    [[ $(content "${image[$id]}") == "${before[$id]}" ]] ||
      fail "$id: undo does not bring the bytes back"
  done
  rm -rf "$work/cells"
}

# all cells of the tables: NAME FORMAT RECIPE WORD
all_cells() {
  local row name format words recipes recipe once
  for row in "${rows[@]}"; do
    IFS='|' read -r name format _ <<<"$row"
    recipes=("${windows[@]}")
    [[ $name != l-* ]] || recipes=("${linux[@]}")
    mapfile -t words < <(cells "$name" "${recipes[@]}" | tr -d '`')
    once=
    [[ $name != d-* && ($(printf '%s\n' "${words[@]}" | sort -u | wc -l) != 1 ||
      ${words[0]} == repaired) ]] || once=1
    for recipe in "${!recipes[@]}"; do
      # what is refused whatever the recipe is tried once
      [[ -z $once || $recipe == 0 ||
        ($name == w-* && ${recipes[recipe]} == "$mends") ]] || continue
      echo "$name $format ${recipes[recipe]} ${words[recipe]}"
    done
  done
}
all_cells >"$work/all-cells"

# Each recipe once, each on a disk that no other test has it on.
diagonal=(w-extended:crowdstrike-291 w-dirty-2:windows-rdp-on
  w-case:windows-service-disable w-boot-sector:crowdstrike-291
  l-extended:linux-ssh-restore l-dirty:linux-fstab-nofail
  w-hibernated:crowdstrike-291 w-names:crowdstrike-291
  w-index:crowdstrike-291 w-mftmirr-second:crowdstrike-rename-folder
  w-reparse:crowdstrike-rename-folder l-full:linux-kernel-previous
  l-no-inode:linux-module-blacklist l-immutable:linux-ssh-restore
  l-append:linux-systemd-mask)
mapfile -t chosen < <(for cell in "${diagonal[@]}"; do
  grep "^${cell%:*} [a-z0-9]* ${cell#*:} " "$work/all-cells"
done)
((${#chosen[@]} == ${#diagonal[@]})) || fail "the diagonal has a hole"
if [[ -n ${BOOTMEND_TEST_LONG:-} ]]; then
  mapfile -t chosen <"$work/all-cells"
fi
if [[ -n ${CELLS:-} ]]; then
  mapfile -t chosen < <(grep -E "$CELLS" "$work/all-cells")
fi
for ((i = 0; i < ${#chosen[@]}; i += per_batch)); do
  prove "${chosen[@]:i:per_batch}"
  echo "cell $i and ${per_batch} more of ${#chosen[@]}: $SECONDS s"
done
