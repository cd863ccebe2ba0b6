# shellcheck shell=bash disable=SC2154,SC2034
# lib-gce.sh - a fake Compute Engine over HTTP for test scripts; after functions.sh
#
#   gce_start FILE     starts it with that configuration; $url is where it is, and
#                      bootmend is told so by the options in ${gce[@]}
#   gce_key            makes a service account's key: key.json, key.pub
#   gce_control JSON   see tests/fake-cloud/README.md, "Control"
#   gce_calls [JQ]     the calls so far that match, one action a line
#   gce_count [JQ]     how many those are
#   gce_changes        those that changed something
#   gce_state          all there is
#   gce_settled FILE   what must be as before in such a state: instances and
#                      disks without what a stop, a start, an attach must change
requires jq curl openssl

export METADATA_SERVER_DETECTION=none CLOUDSDK_CONFIG=$work/none
unset CLOUDSDK_AUTH_ACCESS_TOKEN GOOGLE_APPLICATION_CREDENTIALS GCE_METADATA_HOST
unset GOOGLE_CLOUD_PROJECT GCLOUD_PROJECT CLOUDSDK_CORE_PROJECT GCE_METADATA_IP
gce=()

gce_key() {
  openssl genrsa -out key.pem 2048 2>/dev/null
  openssl rsa -in key.pem -pubout -out key.pub 2>/dev/null
}

gce_start() {
  coproc SERVER { exec fake-cloud-server --config "$1"; }
  # shellcheck disable=SC2153 # set by coproc
  at_exit kill "$SERVER_PID"
  read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'
  gce=(--gcp-endpoint "$url/compute/v1/")
  if [[ -e key.pem ]]; then
    jq -n --arg url "$url/token" --rawfile key key.pem '{type: "service_account",
      project_id: "shop-1", private_key_id: "k1", private_key: $key,
      client_email: "repair@shop-1.iam.gserviceaccount.com", token_uri: $url}' >key.json
    chmod 600 key.json
    export GOOGLE_APPLICATION_CREDENTIALS=$PWD/key.json
  fi
}

gce_control() {
  curl -sf "$url/_fake/control" -d "$1" >/dev/null || fail "control: $1"
}

gce_state() { curl -sf "$url/_fake/state"; }

gce_calls() {
  curl -sf "$url/_fake/calls" | jq -r ".[] | select(${1:-true}) | .action"
}

gce_count() { gce_calls "$@" | wc -l; }

gce_changes() { gce_calls .effect; }

gce_settled() {
  jq -S '[.objects | .instance[], .disk[]] | sort_by(.selfLink)
         | walk(if type == "object" then with_entries(select(.key
             | (startswith("_") or . == "lastStartTimestamp" or
                . == "lastStopTimestamp" or . == "lastAttachTimestamp" or
                . == "lastDetachTimestamp" or . == "labelFingerprint") | not))
           else . end)' "$1"
}
