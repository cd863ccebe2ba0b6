#!/usr/bin/env bash
# Google's own client for Node, unmodified, drives the fake Compute Engine: a fake
# that only our own code understands proves that we repeat our mistakes.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-gce.sh"
. "$source_dir/tests/integration/lib-npm.sh"
npm_package @google-cloud/compute

cat >config.json <<'E2'
{"seed": 3, "speed": 100, "gcp": {
  "projects": {"shop-1": {"number": "111122223333"}},
  "zones": ["europe-west1-b", "europe-west1-c"],
  "tokens": [{"token": "ya29.good", "email": "all@example.com"},
             {"token": "ya29.read", "email": "read@example.com", "deny": ["compute.*.stop"]}],
  "instances": [
   {"name": "bad", "zone": "europe-west1-b", "os": "windows", "labels": {"env": "prod"},
    "boot": {"name": "bad-os", "device_name": "boot", "type": "pd-ssd"}},
   {"name": "helper", "zone": "europe-west1-b", "display": true},
   {"name": "full", "zone": "europe-west1-b", "status": "TERMINATED", "no_capacity": true},
   {"name": "web-{n}", "count": 9, "zone": ["europe-west1-b", "europe-west1-c"]}]}}
E2
gce_start "$work/config.json"
run node "$source_dir/tests/integration/fake-compute-client.mjs" "$url" ya29.good
expect_status 0
[[ $out == $'looked\nmoved\nswapped\nlabelled\nrefused' ]] || fail "not all parts were run: $out"
(($(gce_count '.action == "zoneOperations.wait"') > 5)) || fail 'the client did not wait for operations'
