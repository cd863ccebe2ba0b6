#!/usr/bin/env bash
# Strategy restore for Azure over HTTP, without a recipe: no helper, no appliance.
# A disk made from the newest snapshot before a time takes the place of the OS
# disk, which comes back by a rollback, or is deleted by a release; the controller
# is killed in the middle of it and goes on; what lost campaigns left is found.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-azure.sh"
requires sqlite3

snapshots() { # NAME: one that is too old, the right one, one that is too new
  cat <<END
, "snapshots": [
   {"name": "$1-old", "created": "2024-07-01T00:00:00.0000417+00:00", "boots": false},
   {"name": "$1-good", "created": "2024-07-18T00:00:00.0000417+00:00", "boots": true, "size_gb": 16},
   {"name": "$1-new", "created": "2024-07-19T05:00:00.0000417+00:00", "boots": false}]
END
}
{
  echo '{"seed": 5, "speed": 40, "page_size": 2, "azure": {'
  azure_head restore
  echo '"vms": ['
  for n in 1 2 3; do
    cat <<END
   {"name": "Bad-$n", "group": "Web", "zone": "1",
    "os_disk": {"boots": false, "delete_option": "Delete"$( ((n == 3)) || snapshots "Bad-$n")}},
END
  done
  echo ' {"name": "Other", "group": "Web", "zone": "1"}]}}'
} >config.json
azure_start config.json
restore=(--strategy restore --health status --azure-settle 300ms --include-healthy --progress none
  --before 2024-07-19T04:00:00Z "${azure[@]}")
os_disk() {
  azure_state | jq -r --arg id "$(vm_id web "$1")" \
    '.objects.vm[$id].properties.storageProfile.osDisk.managedDisk.id | ascii_downcase'
}
exists() { azure_state | jq -e --arg id "$1" '.objects.disk[$id] // .objects.snapshot[$id]' >/dev/null; }
gone() { ! exists "$1"; }
own() { disk_id web "$1_OsDisk"; }

# ---- plan: which snapshot, and who has none ----
run bootmend plan 'azure:name=bad-*' "${restore[@]}" --json
expect_status 0
for n in 1 2; do
  [[ $(json ".vms[] | select(.name == \"Bad-$n\").snapshot.created") == 2024-07-18T* ]] ||
    fail "Bad-$n: not the newest before: $(jq -c '[.vms[].snapshot]' <<<"$out")"
done
json '.vms[] | select(.name == "Bad-3").reason' | grep -q '^no-snapshot:' || fail 'Bad-3 is not refused'
[[ -z $(azure_changes) ]] || fail "a plan changed something: $(azure_changes)"

# ---- repair; the controller dies once a swap was accepted ----
bootmend repair 'azure:name=bad-*' "${restore[@]}" >first.out 2>first.msg &
controller=$!
swapped() { (($(azure_count '.action == "virtualMachines/write" and .effect') > 0)); }
wait_for 60 swapped || fail "there was no swap: $(cat first.msg)"
kill -9 $controller
wait $controller 2>/dev/null || true
run bootmend resume --json
expect_status 3
[[ $(json '.counts | "\(.repaired) \(.skipped)"') == '2 1' ]] ||
  fail "not two of three: $(jq -c '[.jobs[] | {name, outcome, reason}]' <<<"$out")"
(($(azure_count '.action == "virtualMachines/write" and .effect') == 2)) || fail 'a disk was swapped twice'
for n in 1 2; do
  new=$(os_disk "Bad-$n")
  [[ $new == */bootmend-* ]] || fail "Bad-$n has its old disk"
  azure_state | jq -e --arg id "$new" --arg from "$(resource_id web snapshots "Bad-$n-good")" \
    '.objects.disk[$id].properties.creationData.sourceResourceId | ascii_downcase == $from' >/dev/null ||
    fail "Bad-$n: from another snapshot"
done

# ---- release and rollback ----
run bootmend release last --vm Bad-2 --yes
expect_status 0
wait_for 20 gone "$(own Bad-2)" || fail "its disk is still there: $out"
exists "$(own Bad-1)" || fail "another VM's disk was deleted"
exists "$(os_disk Bad-2)" || fail 'the disk in use was deleted'
run bootmend rollback last --vm Bad-2
((status != 0)) || fail 'it went back to a disk that is gone'
expect_msg 'was released'
run bootmend rollback last --vm Bad-1 --progress none
expect_status 0
[[ $(os_disk Bad-1) == "$(own Bad-1)" ]] || fail 'its own disk is not back'

# ---- what a campaign left whose journal is lost ----
lost="$(resource_id web snapshots bad-1-old)"
azure_control "{\"op\": \"set\", \"id\": \"$lost\", \"body\": {\"tags\": {\"bootmend-campaign\": \"20240101-000000-aaaa\"}}}"
azure_control "{\"op\": \"set\", \"id\": \"$(vm_id web other)\", \"body\": {\"tags\": {\"bootmend-campaign\": \"20240101-000000-aaaa\"}}}"
run bootmend cleanup --orphans 'azure:*' "${azure[@]}" --delete --yes --json
expect_status 0
[[ $(json '[.things[] | select(.deleted) | .kind] | sort | join(" ")') == 'mark snapshot' ]] || fail "$out"
wait_for 20 gone "$lost" || fail 'it is still there'
exists "$(resource_id web snapshots bad-1-new)" || fail 'a snapshot of somebody else was deleted'
