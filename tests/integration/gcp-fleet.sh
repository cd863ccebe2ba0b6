#!/usr/bin/env bash
# The whole process for Compute Engine: 12 VMs in 2 zones with real NTFS disks,
# against the fake over HTTP, with a service account's key whose tokens are short,
# repaired by an agent on one helper in each zone. Then everything but the
# repaired content is as it was, field by field, also after a rollback.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-gce.sh"
requires ntfsls sfdisk qemu-img

"$source_dir/tests/fleet/make-disk" --bad "$work/bad.img"
truncate -s 1G "$work/bad.img" # disks have whole GiB, and the agent compares
mkdir images devices
helpers=() # what each helper's /dev looks like
for zone in b c; do
  mkdir -p "$work/dev-$zone/disk"
  ln -s "$work/devices/helper-$zone" "$work/dev-$zone/disk/by-id"
  helpers+=(--helper "zones/europe-west1-$zone/instances/helper-$zone=local,devices=$work/dev-$zone")
done

# Each VM differs from the others in what an attach has to say again.
patient() { # NN
  local n=$((10#$1)) zone=b more=''
  cp --sparse=always bad.img "bad-$1.img"
  if ((n % 2 == 0)); then zone=c; fi
  if ((n % 3 == 0)); then more=', "auto_delete": false'; fi
  if ((n % 4 == 0)); then more+=', "interface": "NVME"'; fi
  if ((n % 5 == 0)); then more+=', "device_name": "boot"'; fi
  if ((n % 6 == 0)); then more+=', "guest_os_features": ["WINDOWS", "GVNIC"]'; fi
  cat <<END
   {"name": "bad-$1", "zone": "europe-west1-$zone", "os": "windows", "public": "static", "display": true,
    "labels": {"team": "shop", "n": "$n"}, "metadata": {"startup": "x"},
    "disks": [{"size_gb": 10, "device_name": "data", "boots": false}],
    "boot": {"name": "os-$1", "size_gb": 1, "image": "$work/bad-$1.img",
             "labels": {"tier": "$n"}$more}},
END
}
{
  cat <<END
{"seed": 5, "speed": 20, "page_size": 5,
 "images_folder": "$work/images", "devices_folder": "$work/devices",
 "boot_command": ["$source_dir/tests/fake-cloud/boot-check"],
 "gcp": {
  "projects": {"shop-1": {"number": "111122223333"}},
  "zones": ["europe-west1-b", "europe-west1-c"],
  "service_accounts": [{"email": "repair@shop-1.iam.gserviceaccount.com",
    "key_file": "$work/key.pub", "key_id": "k1", "token_seconds": 60}],
  "instances": [
END
  for n in {01..12}; do patient "$n"; done
  cat <<END
   {"name": "helper-b", "zone": "europe-west1-b"},
   {"name": "helper-c", "zone": "europe-west1-c"}]}}
END
} >config.json
gce_key
gce_start "$work/config.json"

# ---- repair ----
gce_state >before.json
run bootmend repair 'gcp:name=bad-*' --recipe crowdstrike-291 --health 'serial:BOOT OK' \
  "${helpers[@]}" "${gce[@]}" --gcp-settle 1s --json --progress plain
gce_state >after.json
expect_status 0
[[ $(jq -r '.counts.repaired' <<<"$out") == 12 ]] || fail "not all are repaired: $out"
[[ $(jq -r '[.jobs[].created[] | select(.kind == "snapshot") | .id] | unique | length' \
  <<<"$out") == 12 ]] || fail "the snapshots are not in the report: $out"

# ---- everything else is as it was, field by field ----
gce_settled before.json >before.txt
gce_settled after.json >after.txt
(($(wc -l <before.txt) > 800)) || fail 'the state is not what it was thought to be'
diff -u before.txt after.txt || fail 'the fleet is not as it was'
for n in {01..12}; do
  "$source_dir/tests/fake-cloud/boot-check" "bad-$n.img" >/dev/null || fail "bad-$n does not boot"
done
(($(gce_count '.service == "oauth2" and .status == 200') > 1)) || fail 'the token was never renewed'
[[ -z $(gce_calls '.action == "instances.stop" and (.ids[0] | test("helper"))') ]] || fail 'a helper was stopped'
evidence=("$BOOTMEND_STATE_DIR"/2*/evidence/1/*)
[[ ${evidence[*]} == *console-before* && ${evidence[*]} == *screenshot-after* ]] ||
  fail "evidence of bad-01: ${evidence[*]}"

# ---- back again ----
run bootmend rollback last --vm bad-01 --json --progress plain
expect_status 0
[[ $(jq -r '.jobs[] | select(.name == "bad-01") | .outcome' <<<"$out") == failed-restored ]] ||
  fail 'bad-01 did not go back'
! "$source_dir/tests/fake-cloud/boot-check" bad-01.img >/dev/null || fail 'bad-01 still has its repair'
gce_state >after.json
gce_settled after.json >after.txt
diff -u before.txt after.txt || fail 'the fleet is not as it was after the rollback'
