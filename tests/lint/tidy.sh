#!/usr/bin/env bash
# clang-tidy over our sources (not the tests: they are compiled by two compilers
# and run under sanitizers, and this is the slowest of all checks).
#
# A file that passed is not looked at again until it, one of our headers, its
# flags or .clang-tidy change: $BOOTMEND_TIDY_CACHE (default: in the build
# folder) holds one empty file for each, named by a hash of all of these.
#
# Nearly all of its time goes to clang-analyzer's walk along the paths of each
# function, which by default ends after 225,000 nodes. Few functions have as many;
# those take three quarters of the time. What reads bytes of others is walked that
# far, all else up to 40,000 nodes, or as far with BOOTMEND_TEST_LONG=1.
. "$(dirname "$0")/../functions.sh"
requires clang-tidy git jq sha256sum
database=$build_dir/compile_commands.json
[[ -f $database ]] || skip "no $database"
cache=${BOOTMEND_TIDY_CACHE:-$build_dir/tidy}
mkdir -p "$cache"
cd "$source_dir"

# How many nodes clang-analyzer looks at in one function of this file.
nodes_of() { # FILE
  case ${BOOTMEND_TEST_LONG:+long}/$1 in
    long/* | /bitlocker/* | /protocol/* | /diagnoses/* | /disk-ops/hive* | \
      /disk-ops/ntfs* | /disk-ops/*-log.c | /disk-ops/*parse* | /disk-ops/guest-* | \
      /disk-ops/crash-dump.c | /disk-ops/boot-sector.c | /disk-ops/ext-state.c | \
      /disk-ops/volumes.c | /net/http.c | /net/mask.c | /net/url-rules.c)
      echo 225000
      ;;
    *) echo 40000 ;;
  esac
}

common=$({ clang-tidy --version && git ls-files --cached --others \
  --exclude-standard '*.h' .clang-tidy | xargs -d '\n' cat; } | sha256sum)
todo=()
while IFS=$'\t' read -r file command; do
  file=${file#"$source_dir/"}
  case $file in tests/* | build/*) continue ;; esac
  nodes=$(nodes_of "$file")
  key=$({ echo "$common $command $nodes" && cat "$file"; } | sha256sum | cut -c 1-40)
  if [[ ! -e $cache/$key ]]; then todo+=("$file" "$cache/$key" "$nodes"); fi
done < <(jq -r '.[] | [.file, .command] | @tsv' "$database")

tidy_one() { # FILE STAMP NODES
  local option to_analyzer=()
  for option in -Xclang -analyzer-config -Xclang "max-nodes=$3"; do
    to_analyzer+=(--extra-arg="$option")
  done
  # gcc's own warning options mean nothing to clang-tidy
  if clang-tidy -p "$build_dir" --quiet \
    --extra-arg=-Wno-unknown-warning-option "${to_analyzer[@]}" "$1" >"$2.log" 2>&1; then
    : >"$2"
    rm -f "$2.log"
  else
    cat "$2.log"
    rm -f "$2.log"
    return 1
  fi
}
export -f tidy_one
export build_dir
if ((${#todo[@]} > 0)); then
  # shellcheck disable=SC2016 # expanded by that bash
  printf '%s\0' "${todo[@]}" |
    xargs -0 -n 3 -P "$(nproc)" bash -c 'tidy_one "$1" "$2" "$3"' tidy ||
    fail "see above"
fi
echo "$((${#todo[@]} / 3)) files looked at"
