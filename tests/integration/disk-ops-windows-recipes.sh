#!/usr/bin/env bash
# The built-in recipes for Windows, each on a disk that needs it: report, apply,
# apply again (clean), undo (equal), all in one appliance at a time; and what
# they refuse.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-images.sh"
. "$source_dir/tests/integration/lib-hives.sh"
. "$source_dir/tests/integration/lib-batch.sh"
requires ntfscat ntfsinfo sfdisk
hives_make

mine='MZ brought along'
mine_sha=$(printf %s "$mine" | sha256sum | cut -c1-64)
hive_sha=$(sha256sum <"$hives_dir/clean/SYSTEM" | cut -c1-64)
older_sha=$(printf %s 'MZ older' | sha256sum | cut -c1-64)
file=/Windows/System32/svchost.exe
store=/Windows/WinSxS/amd64_microsoft-windows-services-svchost_31bf3856ad364e35_10.0.20348

# ID  IMAGE  RECIPE  PARAMETERS
rows=(
  "service clean windows-service-disable {\"service\":\"CSAGENT\"}"
  "safe-boot clean windows-safe-boot-off {}"
  "safe-boot-efi efi windows-safe-boot-off {}"
  "pending clean windows-pending-updates-off {}"
  "rdp clean windows-rdp-on {}"
  "rename clean crowdstrike-rename-folder {}"
  "regback damaged windows-hive-from-regback {}"
  "hive-mine damaged windows-hive-restore {\"sha256\":\"$hive_sha\",\"content\":\"$(base64 -w0 "$hives_dir/clean/SYSTEM")\"}"
  "file-store clean windows-file-restore {\"path\":\"$file\"}"
  "file-mine clean windows-file-restore {\"path\":\"$file\",\"sha256\":\"$mine_sha\",\"content\":\"$(printf %s "$mine" | base64)\"}"
  "file-from clean windows-file-restore {\"path\":\"$file\",\"sha256\":\"$older_sha\",\"from\":\"$store.1_none_0a/svchost.exe\"}"
)
refused=(
  "no-service clean windows-service-disable {\"service\":\"nobody\"} no-match"
  "bound tpm windows-safe-boot-off {} tpm-bound"
  "other-hive damaged windows-hive-restore {\"sha256\":\"$mine_sha\",\"from\":\"/Windows/System32/config/RegBack/SYSTEM\"} no-match"
  "no-hive damaged windows-hive-restore {\"sha256\":\"$mine_sha\",\"content\":\"$(printf %s "$mine" | base64)\"} hive-damaged"
  "no-copy short windows-hive-from-regback {} no-match"
  "dirty later windows-rdp-on {} dirty-hive"
  "wrong-sha clean windows-file-restore {\"path\":\"$file\",\"sha256\":\"$mine_sha\"} no-match"
)
ids=()
for row in "${rows[@]}" "${refused[@]}"; do
  read -r id image _ <<<"$row"
  hive_image "$image" "$id"
done
hashes >"$work/before"

add() { # MODE ROW [EVIDENCE]
  local id image recipe parameters
  read -r id image recipe parameters _ <<<"$2"
  ids+=("$id")
  work_add "$id" "$1" "$work/disks/$id.raw" "$(jq -nc --arg r "$recipe" \
    --argjson p "$parameters" --arg e "$work/evidence${3:-}/$id" \
    '{recipe: $r, parameters: $p, evidence: $e}')"
}
add_all() {
  local row
  ids=()
  for row in "${rows[@]}"; do add "$1" "$row" "${2:-}"; done
}

### report, and what is refused
for row in "${refused[@]}"; do add apply "$row"; done
add_all report
batch
for id in "${ids[@]}"; do expect "$id" .outcome needed; done
for row in "${refused[@]}"; do expect "${row%% *}" .refusal "${row##* }"; done
hashes | diff "$work/before" - || fail "a report or a refusal changed a disk"

### apply
add_all apply
batch
for id in "${ids[@]}"; do
  expect "$id" .outcome repaired
  expect "$id" .changed true
done
dump_has() { # IMAGE HIVE TEXT
  hive_dump "$1" "$2" >"$work/dump"
  grep -qF -- "$3" "$work/dump" || fail "$1: $2 lacks: $3"
}
dump_lacks() {
  hive_dump "$1" "$2" >"$work/dump"
  ! grep -qF -- "$3" "$work/dump" || fail "$1: $2 still has: $3"
}
dump_has service SYSTEM 'Services\csagent : Start = 4:04000000'
dump_has service SYSTEM 'UpperFilters = 7:partmgr'
dump_lacks service SYSTEM 'LowerFilters'
dump_has service SYSTEM 'ControlSet002\Services\csagent : Start = 4:01000000'
dump_lacks safe-boot BCD 25000080
dump_lacks safe-boot BCD 26000081
dump_has safe-boot BCD 12000004
dump_has rdp SYSTEM 'fDenyTSConnections = 4:00000000'
dump_has rdp SYSTEM 'TermService : Start = 4:03000000'
dump_has rdp SYSTEM 'TCP = 1:v2.30|Action=Allow|Active=TRUE|Dir=In'
dump_has rdp SYSTEM 'UDP = 1:v2.30|Action=Allow|Active=TRUE|Dir=In'
dump_lacks rdp SOFTWARE fDenyTSConnections
dump_lacks pending COMPONENTS Pending
dump_has pending COMPONENTS Other
dump_lacks pending SOFTWARE PackagesPending
dump_lacks pending SYSTEM poqexec
dump_has regback SYSTEM 'Services\csagent'
hives_fetch regback SYSTEM
[[ $(hive-tool state "$work/fetched/regback/SYSTEM") == 'clean 1010' ]] ||
  fail "regback: $(hive-tool state "$work/fetched/regback/SYSTEM")"
dump_has hive-mine SYSTEM 'Services\csagent'
content() { ntfscat -f "$work/disks/$1.raw" "$2"; }
[[ $(content file-store $file) == 'MZ newer' ]] || fail "file-store: not the newest"
[[ $(content file-mine $file) == "$mine" ]] || fail "file-mine"
[[ $(content file-from $file) == 'MZ older' ]] || fail "file-from"
content pending /Windows/WinSxS/pending.xml.bootmend-off >/dev/null ||
  fail "pending.xml is not kept"
# grep reads to the end: ntfsinfo must not die of a closed pipe
ntfsinfo -f -F $file "$work/disks/file-store.raw" |
  grep 'Number of Hard Links:.*2 ' >/dev/null ||
  fail "file-store: no second name"
# that the EFI one is changed shows when it is applied again
dd if="$work/disks/safe-boot-efi.raw" of="$work/disks/efi2.raw" bs=1M skip=10 \
  count=10 status=none
hives_fetch efi2 BCD
rm "$work/disks/efi2.raw"
cmp "$work/fetched/efi2/BCD" "$hives_dir/clean/BCD" || fail "efi: the other BCD was touched"
hashes >"$work/repaired"

### apply again
add_all apply -again
batch
for id in "${ids[@]}"; do expect "$id" .outcome clean; done
hashes | diff "$work/repaired" - || fail "a second apply changed a disk"

### undo; file by file on disks that were used since
used=(service safe-boot pending rdp file-store file-mine regback)
for id in "${used[@]}"; do touch "$work/disks/$id.raw"; done
add_all undo
batch
for id in "${ids[@]}"; do expect "$id" .outcome undone; done
for id in "${used[@]}"; do expect "$id" .undo files; done
pattern=$(printf '  %s.raw\n' "${used[@]}")
hashes | grep -vF "$pattern" | diff <(grep -vF "$pattern" "$work/before") - ||
  fail "undo does not bring the bytes back"
for hive in service:SYSTEM safe-boot:BCD pending:COMPONENTS pending:SOFTWARE \
  pending:SYSTEM rdp:SYSTEM rdp:SOFTWARE; do
  id=${hive%:*} hive=${hive#*:}
  hives_fetch "$id" "$hive"
  hive-tool equal "$hives_dir/clean/$hive" "$work/fetched/$id/$hive" \
    >"$work/differences"
  [[ ! -s $work/differences ]] ||
    fail "$id: undo of $hive: $(cat "$work/differences")"
done
hives_fetch regback SYSTEM
cmp "$work/fetched/regback/SYSTEM" "$hives_dir/damaged/SYSTEM" || fail "regback: undo"
for id in file-store file-mine; do
  if content "$id" $file >/dev/null 2>&1; then fail "$id: undo left $file"; fi
done
