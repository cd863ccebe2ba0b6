#!/usr/bin/env bash
# Strategies swap and restore for Compute Engine over HTTP. Swap with disks that are
# real NTFS images: a repaired copy takes the place of the boot disk, which stays to
# the byte as it was, comes back by a rollback, or is deleted by a release. Restore
# without a recipe, so without a helper: a disk made from the newest snapshot before
# a time; the controller dies in the middle of it and goes on. Then what lost
# campaigns left is found.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-gce.sh"
requires ntfsls sfdisk qemu-img

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # disks have whole GiB, and the agent compares
mkdir -p images devices dev/disk
ln -s "$work/devices/helper" dev/disk/by-id
for n in 1 2; do cp --sparse=always bad.img "bad-$n.img"; done

snapshots() { # NAME: one that is too old, the right one, one that is too new
  cat <<END
, "snapshots": [
   {"name": "$1-old", "created": "2024-07-01T00:00:00.000-07:00", "boots": false},
   {"name": "$1-good", "created": "2024-07-18T00:00:00.000-07:00", "boots": true},
   {"name": "$1-new", "created": "2024-07-19T05:00:00.000-00:00", "boots": false}]
END
}
# What a copy has to have in common with its disk differs between the two.
cat >config.json <<END
{"seed": 5, "speed": 30, "page_size": 3,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "gcp": {
  "projects": {"shop-1": {"number": "111122223333"}}, "zones": ["europe-west1-b"],
  "service_accounts": [{"email": "repair@shop-1.iam.gserviceaccount.com",
    "key_file": "$work/key.pub", "key_id": "k1"}],
  "instances": [
   {"name": "bad-1", "zone": "europe-west1-b", "os": "windows", "public": "static", "labels": {"team": "shop"},
    "disks": [{"size_gb": 10, "device_name": "data", "boots": false}],
    "boot": {"name": "os-1", "size_gb": 1, "image": "$work/bad-1.img", "type": "pd-ssd",
             "labels": {"tier": "1"}, "device_name": "boot", "auto_delete": true,
             "resource_policies": ["projects/shop-1/regions/europe-west1/resourcePolicies/nightly"]}},
   {"name": "bad-2", "zone": "europe-west1-b", "os": "windows",
    "boot": {"name": "os-2", "size_gb": 1, "image": "$work/bad-2.img", "auto_delete": false,
             "interface": "NVME", "guest_os_features": ["WINDOWS", "GVNIC", "UEFI_COMPATIBLE"],
             "kms_key": "projects/shop-1/locations/europe-west1/keyRings/r/cryptoKeys/k"}},
   {"name": "old-1", "zone": "europe-west1-b", "boot": {"size_gb": 1, "boots": false$(snapshots old-1)}},
   {"name": "old-2", "zone": "europe-west1-b", "boot": {"size_gb": 1, "boots": false, "auto_delete": false$(snapshots old-2)}},
   {"name": "old-3", "zone": "europe-west1-b", "boot": {"size_gb": 1, "boots": false}},
   {"name": "fine", "zone": "europe-west1-b", "labels": {"team": "shop"}},
   {"name": "helper", "zone": "europe-west1-b"}]}}
END
gce_key
gce_start "$work/config.json"
common=("${gce[@]}" --gcp-settle 1s --json --progress plain)
here=projects/shop-1/zones/europe-west1-b

boot_disk() { # FILE INSTANCE: the name of its boot disk
  jq -r --arg id "$here/instances/$2" '.objects.instance[$id].disks[] | select(.boot)
    | .source | split("/") | last' "$1"
}
disk() { # FILE NAME
  jq --arg id "$here/disks/$2" '.objects.disk[$id]' "$1"
}
exists() { gce_state | jq -e --arg id "$1" '.objects.disk[$id] // .objects.snapshot[$id]' >/dev/null; }
gone() { ! exists "$1"; }
# What must be the same: instances and their disks, but for what a swap has to
# change: which disk is the boot disk, and of that its identity, its times, what it
# was made from, our labels, and the version of its key, which is the newest one.
settled() { # FILE
  gce_settled "$1" | jq -S '. as $all | [.[] | select(.kind == "compute#instance") as $vm
    | {vm: ($vm | .disks |= map(if .boot then del(.source) else . end)),
       disks: [$vm.disks[].source as $link | $all[] | select(.selfLink == $link)
         | del(.id, .name, .selfLink, .creationTimestamp, .description, .sourceSnapshot, .sourceSnapshotId)
         | .labels |= (. // {} | with_entries(select(.key | startswith("bootmend") | not)))]}]
    | walk(if type == "object" and has("kmsKeyName") then .kmsKeyName |= sub("/cryptoKeyVersions/.*"; "") else . end)'
}

# ---- swap ----
gce_state >before.json
run bootmend repair 'gcp:name=bad-*' --strategy swap --recipe crowdstrike-291 --health 'serial:BOOT OK' \
  --helper "zones/europe-west1-b/instances/helper=local,devices=$work/dev" "${common[@]}"
gce_state >after.json
expect_status 0
[[ $(json '.counts.repaired') == 2 ]] || fail "not all are repaired: $out"
settled before.json >before.txt
settled after.json >after.txt
(($(wc -l <before.txt) > 400)) || fail 'the state is not what it was thought to be'
diff -u before.txt after.txt || fail 'the fleet is not as it was'
for n in 1 2; do
  new=$(boot_disk after.json "bad-$n")
  [[ $new == bootmend-* ]] || fail "bad-$n has its own disk still: $new"
  cmp -s bad.img "bad-$n.img" || fail "the own disk of bad-$n was changed"
  disk after.json "os-$n" | jq -e '(.users // [] | length == 0) and .status == "READY" and
    (.labels | has("bootmend-campaign") and has("bootmend-kept-for"))' >/dev/null ||
    fail "the own disk of bad-$n is not kept: $(disk after.json "os-$n")"
  jq -e --arg own "zones/europe-west1-b/disks/os-$n" '.jobs[] | select(.kept.id == $own)' <<<"$out" >/dev/null ||
    fail "the report does not say that os-$n stays"
  "$source_dir/tests/fake-cloud/boot-check" "$(disk after.json "$new" | jq -r ._image)" >/dev/null ||
    fail "bad-$n does not boot"
done
[[ $(disk after.json os-1 | jq -r .labels.tier) == 1 ]] || fail 'the own disk of bad-1 lost a label'
[[ -z $(find devices/helper -name "*bootmend*") ]] || fail "the helper still has a disk: $(ls devices/helper)"

# ---- one goes back; the operator has seen that all is well with the other ----
run bootmend rollback last --vm bad-1 --json --progress plain
expect_status 0
gce_state >back.json
[[ $(json '.jobs[] | select(.name == "bad-1") | .outcome') == failed-restored ]] || fail "$out"
[[ $(boot_disk back.json bad-1) == os-1 ]] || fail 'its own disk is not back'
[[ $(boot_disk back.json bad-2) == bootmend-* ]] || fail 'bad-2 was rolled back, too'
settled back.json >back.txt
diff -u before.txt back.txt || fail 'the fleet is not as it was'
# also to its labels: nothing of ours is on the disk that is back
[[ $(disk back.json os-1 | jq -cS .labels) == '{"tier":"1"}' ]] || fail 'its own disk has labels of ours'
cmp -s bad.img bad-1.img || fail 'its own disk was changed'

run bootmend release last --yes --json
expect_status 0
released() {
  gce_state >released.json
  [[ -z $(jq -r '.objects.disk[] | select((.users // []) == []) | .name' released.json) ]]
}
wait_for 20 released || fail "disks are left that are nobody's: $(jq -r '.objects.disk[].name' released.json)"
settled released.json >released.txt
diff -u back.txt released.txt || fail 'release changed more than it should'
[[ $(disk released.json os-1) != null && $(disk released.json os-2) == null ]] || fail 'the wrong disk was deleted'
[[ -z $(jq -r '.objects.snapshot[].name | select(startswith("bootmend"))' released.json) ]] ||
  fail 'a snapshot of ours is left'
run bootmend rollback last --vm bad-2
((status != 0)) || fail 'it went back to a disk that is gone'
expect_msg 'was released'

# ---- restore: which snapshot, and who has none ----
restore=(--strategy restore --health 'serial:Reached target Multi-User System' --include-healthy --before 2024-07-19T04:00:00Z "${common[@]}")
changes=$(gce_changes | wc -l)
run bootmend plan 'gcp:name=old-*' "${restore[@]}"
expect_status 0
for n in 1 2; do
  [[ $(json ".vms[] | select(.name == \"old-$n\").snapshot.created") == 2024-07-18T* ]] ||
    fail "old-$n: not the newest before: $(jq -c '[.vms[].snapshot]' <<<"$out")"
done
json '.vms[] | select(.name == "old-3").reason' | grep -q '^no-snapshot:' || fail 'old-3 is not refused'
(($(gce_changes | wc -l) == changes)) || fail 'a plan changed something'

# ---- repair; the controller dies once a new disk was attached ----
gce_state >before.json
bootmend repair 'gcp:name=old-*' "${restore[@]}" >first.out 2>first.msg &
controller=$!
attached() { (($(gce_count '.action == "instances.attachDisk" and .effect and (.ids[0] | test("old-"))') > 0)); }
wait_for 60 attached || fail "there was no swap: $(cat first.msg)"
kill -9 $controller
wait $controller 2>/dev/null || true
run bootmend resume --json --progress plain
expect_status 3
[[ $(json '.counts | "\(.repaired) \(.skipped)"') == '2 1' ]] ||
  fail "not two of three: $(jq -c '[.jobs[] | {name, outcome, reason}]' <<<"$out")"
gce_state >after.json
settled before.json >before.txt
settled after.json >after.txt
diff -u before.txt after.txt || fail 'the fleet is not as it was'
for n in 1 2; do
  new=$(boot_disk after.json "old-$n")
  [[ $(disk after.json "$new" | jq -r .sourceSnapshot) == *"/snapshots/old-$n-good" ]] ||
    fail "old-$n: from another snapshot: $(disk after.json "$new")"
done
made=$(jq -r '.objects.disk[] | select(.name | startswith("bootmend")) | .name' after.json | wc -l)
((made == 3)) || fail "$made disks were made, not one for each VM" # bad-2 has one

# ---- release and rollback ----
run bootmend release last --vm old-2 --yes
expect_status 0
wait_for 20 gone "$here/disks/old-2" || fail "its disk is still there: $out"
exists "$here/disks/old-1" || fail "another VM's disk was deleted"
run bootmend rollback last --vm old-1 --progress none
expect_status 0
gce_state >back.json
[[ $(boot_disk back.json old-1) == old-1 ]] || fail 'its own disk is not back'
settled back.json >back.txt
diff -u before.txt back.txt || fail 'the fleet is not as it was after the rollback'

# ---- what a campaign left whose journal is lost ----
lost="{\"labels\": {\"bootmend-campaign\": \"20240101-000000-aaaa\"}}"
for id in global/snapshots/old-1-old zones/europe-west1-b/instances/fine; do
  gce_control "{\"op\": \"set\", \"id\": \"projects/shop-1/$id\", \"body\": $lost}"
done
run bootmend cleanup --orphans 'gcp:*' "${gce[@]}" --json
expect_status 0
[[ $(json '[.things[] | select(.why == null) | .kind] | sort | join(" ")') == 'mark snapshot' ]] || fail "$out"
exists projects/shop-1/global/snapshots/old-1-old || fail 'it was deleted without a word'
run bootmend cleanup --orphans 'gcp:*' "${gce[@]}" --delete --yes --json
expect_status 0
[[ $(json '[.things[] | select(.deleted) | .kind] | sort | join(" ")') == 'mark snapshot' ]] || fail "$out"
wait_for 20 gone projects/shop-1/global/snapshots/old-1-old || fail 'it is still there'
exists projects/shop-1/global/snapshots/old-1-new || fail 'a snapshot of somebody else was deleted'
gce_state | jq -e --arg id "$here/instances/fine" '.objects.instance[$id].labels == {"team": "shop"}' >/dev/null ||
  fail 'the mark is still there, or more than it is gone'
