#!/usr/bin/env bash
# A breach of the layering does not compile, and each outside library has one
# user. The rules stand here a second time, apart from the CMakeLists.txt files:
# somebody who adds a word to USES has to come here, too, and think.
. "$(dirname "$0")/../functions.sh"
requires "${CC:=cc}" git

# FOLDER  what its headers and sources may include
declare -A may_use=(
  [base]='base'
  [protocol]='protocol base'
  [recipes]='recipes base'
  [bitlocker]='bitlocker base'
  [diagnoses]='diagnoses base'
  [keys]='keys providers net bitlocker protocol base'
  [net]='net base'
  [providers]='providers net base'
  [controller]='controller keys bitlocker providers net recipes protocol base'
  [disk-ops]='disk-ops bitlocker recipes base'
  [repair-agent]='repair-agent disk-ops bitlocker recipes protocol base'
  [cli]='cli controller diagnoses keys bitlocker providers net recipes protocol base'
)

# HEADER (a pattern)  the only folders that include it, tests/ apart
outside=(
  '<guestfs\.h>     disk-ops'
  '<curl/           net'
  '<sqlite3\.h>     controller'
  '<openssl/        (recipes|bitlocker|providers)'
  '<ldap\.h>        keys'
  '<seccomp\.h>     disk-ops'
  '<libevtx\.h>     disk-ops'
  '<libbfio\.h>     disk-ops'
  '<libvirt/        providers/libvirt'
  '<libxml/         providers'
  '<jansson\.h>     base'
)

flags_dir=$build_dir/tests/layering
bad=0 tried=0 refused=0

complain() {
  echo "$*" >&2
  bad=1
}

compiles() { # FOLDER HEADER: with what FOLDER's target sees
  echo "#include <$2>" | "$CC" -std=gnu11 -D_GNU_SOURCE -x c -fsyntax-only \
    @"$flags_dir/$1.flags" - 2>"$work/cc.log"
}

first_header() { # FOLDER
  git -C "$source_dir" ls-files --cached --others --exclude-standard \
    "$1/*.h" | head -n 1
}

for from in "${!may_use[@]}"; do
  if [[ ! -f $flags_dir/$from.flags ]]; then continue; fi
  for to in "${!may_use[@]}"; do
    header=$(first_header "$to")
    if [[ -z $header ]]; then continue; fi
    tried=$((tried + 1))
    if [[ " ${may_use[$from]} " == *" $to "* ]]; then
      # The control: without it, broken flags would look like good layering.
      if [[ $to == "$from" || $to == base ]] && ! compiles "$from" "$header"; then
        complain "$from can't include <$header>: $(head -n 1 "$work/cc.log")"
      fi
    elif compiles "$from" "$header"; then
      complain "$from can include <$header>, which it must not see"
    else
      grep -q "$header: No such file" "$work/cc.log" ||
        complain "$from: <$header> fails otherwise: $(head -n 1 "$work/cc.log")"
      refused=$((refused + 1))
    fi
  done
done
((refused > 0)) || fail "no breach was tried: are there flags in $flags_dir?"

cd "$source_dir"
sources=$(git ls-files --cached --others --exclude-standard '*.c' '*.h')
for row in "${outside[@]}"; do
  read -r header folder <<<"$row"
  while read -r line; do
    complain "only $folder/ may include this: $line"
  done < <(grep -v '^tests/' <<<"$sources" | grep -vE "^$folder/" |
    xargs grep -nE "^ *# *include +$header" /dev/null || true)
done
while read -r line; do
  complain "write <folder/file.h>: $line"
done < <(xargs grep -nE '^ *# *include +"[^"]*/' /dev/null <<<"$sources" || true)

((bad == 0)) || fail "the layering is broken"
echo "$tried pairs of folders, $refused breaches refused by the compiler"
