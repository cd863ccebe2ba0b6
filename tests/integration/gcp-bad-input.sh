#!/usr/bin/env bash
# Words, keys, projects and endpoints that are wrong, for Google Cloud, with the
# real program over HTTP: one message that says what to do, few calls, the right
# exit status, nothing changed. No disk is opened.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-gce.sh"
requires python3

gce_key
mail=repair@shop-1.iam.gserviceaccount.com
cat >config.json <<END
{"seed": 5, "speed": 50, "gcp": {
  "projects": {"shop-1": {"number": "1"}, "bank": {"number": "2"}, "asleep": {"number": "3", "disabled": true}},
  "zones": ["europe-west1-b", "europe-west1-c"],
  "service_accounts": [
    {"email": "$mail", "key_file": "$work/key.pub", "key_id": "k1", "projects": ["shop-1", "asleep"]},
    {"email": "act@shop-1.iam.gserviceaccount.com", "impersonated_by": ["$mail"]},
    {"email": "not@shop-1.iam.gserviceaccount.com", "impersonated_by": []},
    {"email": "dead@shop-1.iam.gserviceaccount.com", "key_file": "$work/key.pub", "disabled": true},
    {"email": "vm@shop-1.iam.gserviceaccount.com"}],
  "users": [{"email": "me@example.com", "refresh_token": "1//r", "client_id": "c", "client_secret": "s"}],
  "workload": [{"principal": "principal://pool/me", "audience": "//pool", "subject_tokens": ["good"],
                "expired_subject_tokens": ["old"]}],
  "metadata": {"instance": "europe-west1-b/helper-b", "service_account": "vm@shop-1.iam.gserviceaccount.com"},
  "tokens": [{"token": "ya29.less", "email": "less@example.com", "deny": ["compute.instances.list"]},
             {"token": "ya29.nostop", "email": "nostop@example.com", "deny": ["compute.instances.stop"]},
             {"token": "ya29.short", "email": "short@example.com",
              "scopes": ["https://www.googleapis.com/auth/devstorage.full_control"]}],
  "instances": [
   {"name": "bad-1", "zone": "europe-west1-b", "os": "windows", "boot": {"size_gb": 1, "boots": false}},
   {"name": "bad-2", "zone": "europe-west1-b", "boot": {"size_gb": 1, "boots": false}},
   {"name": "helper-b", "zone": "europe-west1-b"},
   {"name": "off", "zone": "europe-west1-c", "status": "TERMINATED"}]}}
END
gce_start "$work/config.json"
recipe=(--recipe crowdstrike-291)

# One line on stderr with each of the texts, at most so many calls, no state.
refused() { # STATUS CALLS TEXT... -- COMMAND...
  local status_wanted=$1 most=$2 texts=() text before
  shift 2
  while [[ $1 != -- ]]; do
    texts+=("$1")
    shift
  done
  shift
  before=$(gce_count true)
  run "$@"
  expect_status "$status_wanted"
  expect_no_out
  for text in "${texts[@]}"; do expect_msg "$text"; done
  [[ $(grep -c '^bootmend: [a-z]*: ' <<<"$msg") == 1 && $msg != *'gcp: gcp:'* ]] ||
    fail 'this is not one clear message'
  (($(gce_count true) - before <= most)) || fail "$(($(gce_count true) - before)) calls, at most $most were expected"
  [[ -z $(ls "$BOOTMEND_STATE_DIR" 2>/dev/null) ]] || fail "it left something: $(ls "$BOOTMEND_STATE_DIR")"
}
plan() { bootmend plan "$@" "${recipe[@]}" "${gce[@]}"; }
repair() { bootmend repair "$@" "${recipe[@]}" "${gce[@]}" --include-healthy --health none; }
helper=zones/europe-west1-b/instances/helper-b=local
good() { # the plan of bad-1 with these credentials
  run plan gcp:bad-1 --gcp-project shop-1
  expect_status 0
}

# ---- keys, as every kind of credentials has them ----
with() { # FILE COMMAND...
  chmod 600 "$1"
  GOOGLE_APPLICATION_CREDENTIALS=$PWD/$1 "${@:2}"
}
key() { jq "$1" "${@:2}" key.json >k.json; }
good
key '.private_key_id = "k9"'
with k.json refused 1 2 invalid_grant 'Invalid JWT Signature (is this' "machine's clock" -- plan 'gcp:*'
openssl genrsa -out other.pem 2048 2>/dev/null
# shellcheck disable=SC2016 # of jq
key '.private_key = $k' --rawfile k other.pem
with k.json refused 1 2 "service account $mail: HTTP 400" 'Invalid JWT Signature' -- plan 'gcp:*'
key '.client_email = "gone@x.iam.gserviceaccount.com"'
with k.json refused 1 2 'account not found' -- plan 'gcp:*'
key '.client_email = "dead@shop-1.iam.gserviceaccount.com"'
with k.json refused 1 2 'account is disabled' -- plan 'gcp:*'
key '.private_key = "x"'
with k.json refused 1 0 'k.json: the private key is none in PEM' -- plan 'gcp:*'
echo '{"type": ' >k.json
with k.json refused 1 0 'k.json: no valid JSON' -- plan 'gcp:*' --gcp-project shop-1
echo '{"type": "api_key"}' >k.json
with k.json refused 1 0 'of type "api_key" are not supported' service_account -- plan 'gcp:*' --gcp-project shop-1
GOOGLE_APPLICATION_CREDENTIALS=none.json refused 1 0 'none.json: No such file' -- plan 'gcp:*' --gcp-project shop-1
GOOGLE_APPLICATION_CREDENTIALS='' refused 1 0 'no credentials found' 'gcloud auth application-default login' \
  -- plan 'gcp:*' --gcp-project shop-1
GOOGLE_APPLICATION_CREDENTIALS='' refused 2 0 'no project: give --gcp-project' -- plan 'gcp:*'
jq -n --arg u "$url/token" '{type: "authorized_user", refresh_token: "1//r", client_id: "c",
  client_secret: "s", token_uri: $u}' >user.json
with user.json good
jq '.refresh_token = "1//old"' user.json >k.json
with k.json refused 1 2 'invalid_grant' 'expired or revoked' -- plan 'gcp:*' --gcp-project shop-1
jq -n --arg u "$url/v1/token" --arg f "$PWD/subject" '{type: "external_account", audience: "//pool",
  subject_token_type: "urn:ietf:params:oauth:token-type:jwt", token_url: $u, credential_source: {file: $f}}' >pool.json
echo good >subject
with pool.json good
echo old >subject
with pool.json refused 1 2 'stale to sign-in' -- plan 'gcp:*' --gcp-project shop-1
as() { # NAME: key.json, acting as another account
  jq -n --slurpfile from key.json --arg u "$url/v1/projects/-/serviceAccounts/$1@shop-1.iam.gserviceaccount.com:generateAccessToken" \
    '{type: "impersonated_service_account", service_account_impersonation_url: $u, source_credentials: $from[0]}' >as.json
}
as act
with as.json good
as not
with as.json refused 1 3 iam.serviceAccounts.getAccessToken -- plan 'gcp:*' --gcp-project shop-1
GOOGLE_APPLICATION_CREDENTIALS='' METADATA_SERVER_DETECTION='' GCE_METADATA_HOST=${url#http://} good

# ---- tokens, permissions, projects ----
token() { # TOKEN COMMAND...
  GOOGLE_APPLICATION_CREDENTIALS='' GOOGLE_CLOUD_PROJECT=shop-1 CLOUDSDK_AUTH_ACCESS_TOKEN=$1 "${@:2}"
}
token ya29.old refused 1 1 authError 'log in again' -- plan 'gcp:*'
token ya29.less refused 1 2 "Required 'compute.instances.list' permission for 'projects/shop-1'" \
  'bootmend policy gcp' -- repair 'gcp:*' --helper $helper
token ya29.short refused 1 1 'lacks the scope compute or cloud-platform' -- plan 'gcp:*'
refused 1 2 "project shop-2: projects.get: notFound: The resource 'projects/shop-2'" -- plan 'gcp:project=shop-2,*'
refused 1 2 'project bank' "Required 'compute.projects.get'" -- plan 'gcp:project=bank,*'
refused 1 4 'project asleep' 'gcloud services enable compute.googleapis.com' -- plan 'gcp:project=asleep,*'
refused 2 0 '"No" is no project id' -- plan 'gcp:project=No,*'

# ---- words ----
refused 1 4 'nobody: no such instance in project shop-1' 'another project or zone' -- plan gcp:nobody
refused 2 0 '"Bad-1" is none of an instance' 'is it bad-1?' -- plan gcp:Bad-1 # names have no capitals
refused 2 0 'write gcp:https://' -- plan https://www.googleapis.com/compute/v1/projects/shop-1/zones/europe-west1-b/instances/bad-1
refused 2 0 'write gcp:europe-west1-b/bad-1' -- plan europe-west1-b/bad-1
refused 2 0 '@- reads selections from stdin' -- plan -
refused 2 4 '--health status: gcp does not tell' serial:REGEX -- plan gcp:bad-1 --health status
refused 1 4 'name=nothing: no instance of project shop-1 fits' -- plan gcp:name=nothing
refused 2 0 '"mars" is no zone' -- plan gcp:zone=mars
refused 1 4 'instanceGroups/x' 'was not found' -- plan gcp:group=europe-west1-b/x
refused 2 4 'Invalid list filter expression' -- plan 'gcp:filter:colour=red'
refused 2 0 'names no VM' -- plan gcp:project=shop-1
refused 2 0 'neither discard nor preserve' -- plan gcp:bad-1 --gcp-local-ssd maybe

# ---- helpers ----
refused 2 9 '--helper ID=' -- repair gcp:bad-1
refused 2 9 '"helper-b" is no id of an instance' 'zones/ZONE/instances/NAME' -- repair gcp:bad-1 --helper helper-b=local
refused 1 9 "instances/none' is not found" '(gcp shop-1)' -- repair gcp:bad-1 --helper gcp:europe-west1-b/none=local
refused 2 9 "instances/off' is 'stopped': start it first" -- repair gcp:bad-2 --helper zones/europe-west1-c/instances/off=local
[[ -z $(gce_changes) ]] || fail "something was changed: $(gce_changes)"

# ---- what stands in the place of the service ----
fault() { gce_control '{"op": "clear-faults"}' && gce_control "{\"op\": \"fault\", \"rule\": $1}"; }
fault '{"action": "instances.aggregatedList", "what": "html"}'
refused 1 3 'instances.aggregatedList: a web page instead of an answer of Compute' 'proxy' -- plan 'gcp:*'
fault '{"action": "/token", "what": "html"}'
refused 1 1 'the reply to it is no JSON' 'proxy' -- plan 'gcp:*'
gce_control '{"op": "clear-faults"}'
rude() { # LOG: sets $port
  coproc RUDE { exec "$source_dir/tests/integration/rude-endpoint.py" "$1"; }
  # shellcheck disable=SC2153
  at_exit kill "$RUDE_PID"
  read -r port <&"${RUDE[0]}" || fail 'rude-endpoint.py did not start'
}
rude rude.log 2>/dev/null # bash warns of a second coproc
at() { # KIND TEXT...
  # shellcheck disable=SC2034
  local gce=(--gcp-endpoint "http://127.0.0.1:$port/$1/")
  refused 1 1 "${@:2}" -- plan 'gcp:*'
}
at html 'a web page instead of an answer of Compute' 'proxy'
at blocked 'HTTP 403 with a web page' 'proxy'
at redirect 'a redirect to http://127.0.0.1:1/'

# Those that may be over in a moment are asked again, at the same time as each
# other; and so does what never ends.
slow() { # NAME COMMAND...
  local code=0
  "${@:2}" >"$1.out" 2>"$1.msg" || code=$?
  echo "$code" >"$1.code"
}
of() { # KIND
  bootmend plan 'gcp:*' "${recipe[@]}" --gcp-endpoint "http://127.0.0.1:$port/$1/"
}
for kind in cut deep list empty busy; do slow $kind of $kind & done
fault '{"action": "instances.stop", "what": "never-ends"}'
slow endless repair gcp:bad-1 --helper $helper --stop-limit 2s --start-limit 2s --shutdown-limit 0 --progress none --json &
at_exit eval "kill $! 2>/dev/null"
token ya29.nostop slow nostop repair gcp:bad-2 --helper zones/europe-west1-b/instances/helper-b=local --progress none --json &
at_exit eval "kill $! 2>/dev/null"
for kind in cut deep list empty busy endless nostop; do
  wait_for 100 test -s $kind.code || fail "$kind: it goes on for too long"
done
for kind in cut deep list empty busy; do
  [[ $(<$kind.code) == 1 && ! -s $kind.out ]] || fail "$kind: $(cat $kind.code $kind.out)"
done
grep -q 'transfer closed with 500 bytes remaining' cut.msg || fail "$(cat cut.msg)"
for kind in deep list; do
  grep -q 'its reply is no JSON object, or was cut off' $kind.msg || fail "$kind: $(cat $kind.msg)"
done
grep -q 'an empty reply' empty.msg || fail "$(cat empty.msg)"
grep -q 'HTTP 503' busy.msg || fail "$(cat busy.msg)"
[[ $(jq -r '.jobs[0].outcome' endless.out) == failed-attention ]] || fail "endless: $(cat endless.out endless.msg)"
[[ $(jq -r '.jobs[0].reason' endless.out) == *"its OS disk is zones/europe-west1-b/disks/bad-1"*"'stopping'"* ]] ||
  fail "endless: $(jq -r '.jobs[0].reason' endless.out)"
# Asked for before anything is begun.
[[ $(<nostop.code) == 1 && $(<nostop.msg) == *"nothing was begun"*"Required 'compute.instances.stop' permission"*'bootmend policy gcp'* ]] ||
  fail "nostop: $(cat nostop.out nostop.msg)"
