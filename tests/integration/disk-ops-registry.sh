#!/usr/bin/env bash
# Registry edits on hives in every state: report, apply, apply again, undo; what
# a crash left in the logs is not lost; damaged and unreadable ones are refused
# and stay as they are.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-hives.sh"
. "$source_dir/tests/integration/lib-batch.sh"
requires ntfscat
hives_make

# Every action, each in place and with more room.
recipe='{"recipe": {"format": 1, "name": "registry", "version": 1,
  "title": "Registry", "description": "For tests.", "os": "windows",
  "match": [
    {"id": "started", "hive": "SYSTEM", "required": true,
     "key": "CurrentControlSet\\Services\\csagent", "value": "Start"},
    {"id": "boots", "hive": "SYSTEM", "value": "BootExecute",
     "key": "CurrentControlSet\\Control\\Session Manager",
     "data": ["AUTOCHECK autochk *"]},
    {"id": "other", "hive": "SYSTEM", "value": "BootExecute",
     "key": "CurrentControlSet\\Control\\Session Manager",
     "contains": "no such"}],
  "actions": [
    {"action": "service-disable", "service": "CsAgent"},
    {"action": "registry-set", "hive": "SYSTEM", "type": "sz", "missing": "create",
     "key": "CurrentControlSet\\Services\\bootmend\\Parameters", "value": "Why",
     "data": "a new key, \u00e4\u20ac", "when": "boots"},
    {"action": "registry-set", "hive": "SYSTEM", "type": "dword",
     "key": "CurrentControlSet\\Services\\disk", "value": "Start", "data": 3,
     "when": "other"},
    {"action": "registry-set", "hive": "SYSTEM", "type": "multi_sz",
     "key": "CurrentControlSet\\Control\\Session Manager", "value": "SetupExecute",
     "data": []},
    {"action": "registry-set", "hive": "SYSTEM", "value": "RemoteDesktop-UserMode-In-TCP",
     "key": "CurrentControlSet\\Services\\SharedAccess\\Parameters\\FirewallPolicy\\FirewallRules",
     "find": "|Active=FALSE|", "replace": "|Active=TRUE|"},
    {"action": "registry-delete", "hive": "SYSTEM",
     "key": "CurrentControlSet\\Services\\csagent\\Sim"},
    {"action": "registry-delete", "hive": "SOFTWARE", "value": "ProductName",
     "key": "Microsoft\\Windows NT\\CurrentVersion"}],
  "check": [{"check": "present", "of": "started"}]}}'
big='{"recipe": {"format": 1, "name": "big", "version": 1, "title": "Big",
  "description": "For tests.", "os": "windows",
  "actions": [{"action": "registry-set", "hive": "SYSTEM", "type": "dword",
    "key": "ControlSet001\\Control\\BigOne", "value": "New", "data": 1}]}}'
critical='{"recipe": {"format": 1, "name": "disk", "version": 1, "title": "Disk",
  "description": "For tests.", "os": "windows",
  "actions": [{"action": "service-disable", "service": "DISK"}]}}'

good=(clean new split old)
used=(used used2)
bad=(later damaged short gone)
for name in "${good[@]}" "${bad[@]}"; do hive_image "$name"; done
hive_image clean big
hive_image clean critical
hive_image clean used
hive_image clean used2
hashes >"$work/before"

add_all() { # MODE [EVIDENCE-SUFFIX]
  local name
  for name in "${good[@]}" "${used[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.raw" \
      "$(jq -c ". + {evidence: \"$work/evidence${2:-}/$name\"}" <<<"$recipe")"
  done
}
add_bad() {
  local name
  for name in "${bad[@]}"; do
    work_add "$name" "$1" "$work/disks/$name.raw" "$recipe"
  done
  work_add big "$1" "$work/disks/big.raw" "$big"
  work_add critical "$1" "$work/disks/critical.raw" "$critical"
}

### report, and what is refused
add_all report
add_bad apply
batch
for name in "${good[@]}"; do
  expect "$name" .outcome needed
  expect "$name" '[.changes[] | select(.hive) | .hive] | sort | join(" ")' \
    'SOFTWARE SYSTEM'
  expect "$name" '[.changes[] | select(.hive == "SYSTEM") | .registry[] |
    select(.value == "Start") | .before.data, .data] | join(" ")' '1 4'
done
for name in new split old; do
  result "$name" '.notes[]' | grep -q 'logs .* are applied' ||
    fail "$name: no word about its logs"
done
expect clean '.notes | length' 0
expect later .refusal dirty-hive
expect damaged .refusal hive-damaged
expect short .refusal hive-damaged
expect gone .refusal hive-damaged
expect big .refusal hive-limit
expect critical .refusal boot-critical
hashes | diff "$work/before" - || fail "a report or a refusal changed a disk"

### apply
add_all apply
batch
for name in "${good[@]}"; do
  expect "$name" .outcome repaired
  e=$work/evidence/$name
  jq -e '[.files[] | select(.evidence_only)] | length >= 0' "$e/files.json" \
    >/dev/null || fail "$name: files.json"
  hive_dump "$name" >"$work/$name.dump"
  hive-tool state "$work/fetched/$name/SYSTEM" | grep -q '^clean' ||
    fail "$name: not clean"
done
for name in new split old; do
  # hive and logs as they were found
  [[ $(jq '[.files[] | select(.path | test("SYSTEM.LOG"))] | length' \
    "$work/evidence/$name/files.json") == 2 ]] || fail "$name: logs in the evidence"
  cmp "$work/evidence/$name/files/0001" "$hives_dir/$name/SYSTEM" ||
    fail "$name: the hive in the evidence"
done

# what is expected: the newest state, changed as the recipe says
expected() { # KIND
  "hives_$1" | sed -e '/^key .*csagent\\Sim$/,/^binary/d' \
    -e '/^multi LowerFilters/d' -e '/^key.*Session Manager/,/^key/s/^multi SetupExecute.*/multi SetupExecute /' \
    -e 's/^multi UpperFilters.*/multi UpperFilters partmgr/' \
    -e '/InTCP\|In-TCP/s/Active=FALSE/Active=TRUE/' |
    awk '/^key/ { in_it = /ControlSet001.Services.csagent$/ }
      in_it && /^dword Start/ { print "dword Start 4"; next } { print }'
  printf 'key ControlSet001\\Services\\bootmend\\Parameters\nsz Why a new key, ä€\n'
}
expected system | hive-tool make "$work/expected-clean"
expected newest | hive-tool make "$work/expected-new"
for name in "${good[@]}"; do
  like=$work/expected-new
  [[ $name != clean ]] || like=$work/expected-clean
  hive-tool equal "$work/fetched/$name/SYSTEM" "$like" >"$work/differences"
  [[ ! -s $work/differences ]] ||
    fail "$name differs: $(cat "$work/differences")"
done
hive_dump clean SOFTWARE | grep -q ProductName && fail "ProductName is still there"
hashes >"$work/repaired"

### apply again: clean; meanwhile someone else sets the value of another disk
used=()
add_all apply -again
work_add other apply "$work/disks/used2.raw" "$(jq -c \
  '.recipe.actions = [{action: "registry-set", hive: "SYSTEM", type: "dword",
     key: "ControlSet001\\Services\\csagent", value: "Start", data: 2}] |
   .recipe.match = [] | .recipe.check = []' <<<"$recipe")"
batch
expect other .outcome repaired
hashes | grep used2 >"$work/used2"
for name in "${good[@]}"; do expect "$name" .outcome clean; done
hashes | grep -v used2 | diff <(grep -v used2 "$work/repaired") - ||
  fail "a second apply changed a disk"

### undo: byte by byte; on a disk that was used since, value by value, but what
### someone else has set is not overwritten
touch "$work/disks/used.raw" "$work/disks/used2.raw"
used=(used used2)
add_all undo
batch
for name in "${good[@]}"; do
  expect "$name" .outcome undone
  expect "$name" .undo bytes
done
expect used .undo files
hive_dump used >"$work/used.dump"
hives_system | hive-tool make "$work/system"
hive-tool equal "$work/system" "$work/fetched/used/SYSTEM" >"$work/differences" || true
[[ ! -s $work/differences ]] || fail "undo by values: $(cat "$work/differences")"
hashes | grep -v used | diff <(grep -v used "$work/before") - ||
  fail "undo does not bring the bytes back"

expect used2 .refusal changed-since
hashes | grep used2 | diff "$work/used2" - || fail "a refused undo changed the disk"
