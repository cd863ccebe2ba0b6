#!/usr/bin/env bash
# What is installed is whole and works from where it is: programs, pages,
# completion, schema; and bootmend finds its agent there.
. "$(dirname "$0")/../functions.sh"
requires cmake

DESTDIR=$work/root cmake --install "$build_dir" >log 2>&1 ||
  fail "$(tail -n 5 log)"
prefix=$(sed -n 's/^CMAKE_INSTALL_PREFIX:PATH=//p' "$build_dir/CMakeCache.txt")
root=$work/root$prefix

for file in bin/bootmend bin/bootmend-agent share/man/man1/bootmend.1 \
  share/man/man1/bootmend-agent.1 share/man/man5/bootmend-recipe.5 \
  share/bash-completion/completions/bootmend share/doc/bootmend/LICENSE \
  share/doc/bootmend/README.md share/bootmend/recipe-schema.json \
  libexec/bootmend/bootmend-appliance-init libexec/bootmend/bootmend-qemu; do
  [[ -s $root/$file ]] || fail "$file is not installed"
done
extra=$(cd "$root" && find . -type f \( -name '*.a' -o -name '*test*' \
  -o -path './bin/*' ! -name bootmend ! -name bootmend-agent \))
[[ -z $extra ]] || fail "installed, too: $extra"

PATH=/usr/bin:/bin run "$root/bin/bootmend" version
expect_status 0
PATH=/usr/bin:/bin run "$root/bin/bootmend" recipes check \
  crowdstrike-291 crowdstrike-rename-folder
expect_status 0
cmp <("$root/bin/bootmend" recipes schema) \
  "$root/share/bootmend/recipe-schema.json" || fail "two different schemas"

# An empty image is refused by the agent: so it was found, beside the program.
: >empty.img
PATH=/usr/bin:/bin run "$root/bin/bootmend" inspect empty.img
expect_status 1
expect_out 'refused'
rm "$root/bin/bootmend-agent"
ln -s "$root/bin/bootmend" program
if [[ ! -x $prefix/bin/bootmend-agent ]]; then
  PATH=/usr/bin:/bin run ./program inspect empty.img
  expect_status 1
  expect_msg 'bootmend-agent'
fi
