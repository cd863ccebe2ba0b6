#!/usr/bin/env bash
# clang-tidy over our sources (not the tests: they are compiled by two compilers
# and run under sanitizers, and this is the slowest of all checks).
#
# A file that passed is not looked at again until it, one of our headers, its
# flags or .clang-tidy change: $BOOTMEND_TIDY_CACHE (default: in the build
# folder) holds one empty file for each, named by a hash of all of these.
. "$(dirname "$0")/../functions.sh"
requires clang-tidy git jq sha256sum
database=$build_dir/compile_commands.json
[[ -f $database ]] || skip "no $database"
cache=${BOOTMEND_TIDY_CACHE:-$build_dir/tidy}
mkdir -p "$cache"
cd "$source_dir"

common=$({ clang-tidy --version && git ls-files --cached --others \
  --exclude-standard '*.h' .clang-tidy | xargs -d '\n' cat; } | sha256sum)
todo=()
while IFS=$'\t' read -r file command; do
  file=${file#"$source_dir/"}
  case $file in tests/* | build/*) continue ;; esac
  key=$({ echo "$common $command" && cat "$file"; } | sha256sum | cut -c 1-40)
  if [[ ! -e $cache/$key ]]; then todo+=("$file" "$cache/$key"); fi
done < <(jq -r '.[] | [.file, .command] | @tsv' "$database")

tidy_one() { # FILE STAMP
  # gcc's own warning options mean nothing to clang-tidy
  if clang-tidy -p "$build_dir" --quiet \
    --extra-arg=-Wno-unknown-warning-option "$1" >"$2.log" 2>&1; then
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
    xargs -0 -n 2 -P "$(nproc)" bash -c 'tidy_one "$1" "$2"' tidy ||
    fail "see above"
fi
echo "$((${#todo[@]} / 2)) files looked at"
