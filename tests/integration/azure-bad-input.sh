#!/usr/bin/env bash
# Credentials, words, endpoints and a cloud that are wrong, with the real program
# against the fake Azure over HTTP: one message that says what failed, on what,
# why, and what to do; few calls; the right exit status; no campaign that was
# never begun. No disk is opened.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-azure.sh"
requires openssl python3
[[ -x $build_dir/tests/unit/fake-agent ]] || skip 'no fake-agent in this build'
export BOOTMEND_AGENT=$build_dir/tests/unit/fake-agent

certificate() { # NAME: NAME.pem is the key and its certificate
  openssl req -x509 -newkey rsa:2048 -nodes -keyout "$1.key" -out "$1.crt" -days 2 \
    -subj "/CN=$1" 2>/dev/null
  cat "$1.key" "$1.crt" >"$1.pem"
}
certificate good
certificate wrong
echo the.federated.token >token.txt
echo another.federated.token >stranger.txt
mkdir images devices
cat >config.json <<END
{"seed": 5, "speed": 50, "images_folder": "$work/images", "devices_folder": "$work/devices",
 "azure": {
 "tenants": {"$tenant": {"applications": [
   {"id": "$application", "secret": "g00d~secret"},
   {"id": "old", "secret": "g00d~secret", "secret_expired": true},
   {"id": "cert", "certificate": "$work/good.crt"},
   {"id": "fed", "federated": ["the.federated.token"]},
   {"id": "less", "secret": "g00d~secret", "deny": ["Microsoft.Compute/virtualMachines/read"]},
   {"id": "noswap", "secret": "g00d~secret",
    "deny": ["Microsoft.Compute/virtualMachines/write", "Microsoft.Compute/disks/write"]},
   {"id": "nostop", "secret": "g00d~secret",
    "deny": ["Microsoft.Compute/virtualMachines/powerOff/action",
             "Microsoft.Authorization/permissions/read"]}]},
  "other": {"applications": [{"id": "theirs", "secret": "g00d~secret"}]}},
 "subscriptions": {"$subscription": {"name": "Production", "tenant": "$tenant"},
                   "off": {"name": "Closed", "state": "Disabled", "tenant": "$tenant"}},
 "locations": {"westeurope": {"zones": ["1", "2"]}},
 "locks": [{"scope": "$(vm_id Locked Bad-4)", "name": "freeze", "level": "ReadOnly"}],
 "imds": {"application": "$application", "header": "app-service-secret", "users": ["$application"]},
 "vms": [
  {"name": "Bad-{n}", "count": 3, "group": "Web", "zone": "1", "os_disk": {"boots": false}},
  {"name": "Far", "group": "Web", "zone": "2", "os_disk": {"boots": false}},
  {"name": "Bad-4", "group": "Locked", "zone": "1", "os_disk": {"boots": false}},
  {"name": "Helper-1", "group": "Ops", "zone": "1", "os": "linux"},
  {"name": "Asleep", "group": "Ops", "zone": "1", "os": "linux", "power": "deallocated"}]}}
END
azure_start config.json
helper=(--helper "$(vm_id ops Helper-1)=local,devices=$work/devices/Helper-1")
recipe=(--recipe crowdstrike-291)

# An operation that never ends, meanwhile: it is left when its time is over.
azure_control '{"op": "fault", "rule": {"action": "virtualMachines/powerOff", "id": "*/bad-3",
  "what": "never-ends"}}'
BOOTMEND_STATE_DIR=$work/state-endless bootmend repair 'azure:name=bad-3' "${recipe[@]}" "${azure[@]}" \
  "${helper[@]}" --azure-settle 200ms --stop-limit 3s --json --progress none >endless.json 2>endless.err &
endless=$!
# And a right that is missing, which shows only when it is needed, as nobody may
# ask for it before.
AZURE_CLIENT_ID=nostop BOOTMEND_STATE_DIR=$work/state-nostop bootmend repair 'azure:name=bad-2' \
  "${recipe[@]}" "${azure[@]}" "${helper[@]}" --azure-settle 200ms --json --progress none \
  >nostop.json 2>nostop.err &
nostop=$!

# One line on stderr with each of the texts, no state, and no secret in it; on a
# slow machine one more may say that something is asked again.
refused() { # STATUS TEXT... -- COMMAND...
  local status_wanted=$1 texts=() text
  shift
  while [[ $1 != -- ]]; do
    texts+=("$1")
    shift
  done
  shift
  run "$@"
  expect_status "$status_wanted"
  expect_no_out
  for text in "${texts[@]}"; do expect_msg "$text"; done
  [[ $(grep -v 'no answer yet' <<<"$msg" | grep -c '^bootmend: [a-z]*: ') == 1 && $msg != *'azure: azure:'* ]] ||
    fail 'this is not one clear message'
  [[ $msg != *g00d~* && $msg != *Trace\ ID* && $msg != *eyJ* ]] || fail 'it says too much'
  [[ -z $(ls "$BOOTMEND_STATE_DIR" 2>/dev/null) ]] || fail "it left something: $(ls "$BOOTMEND_STATE_DIR")"
}
plan() { bootmend plan "$@" "${recipe[@]}" "${azure[@]}"; }
any() { bootmend plan 'azure:name=bad-1' "${recipe[@]}" --azure-endpoint "$url" "$@"; }

# ---- who calls ----
AZURE_CLIENT_SECRET=wrong refused 1 "application $application with its secret" AADSTS7000215 \
  'check AZURE_CLIENT_SECRET' -- plan 'azure:*'
AZURE_CLIENT_ID=old refused 1 AADSTS7000222 'the secret has expired' -- plan 'azure:*'
AZURE_CLIENT_ID=nobody refused 1 AADSTS700016 'application nobody' AZURE_CLIENT_ID -- plan 'azure:*'
AZURE_TENANT_ID=nowhere refused 1 AADSTS90002 AZURE_TENANT_ID -- plan 'azure:*'
AZURE_TENANT_ID=other AZURE_CLIENT_ID=theirs refused 1 InvalidAuthenticationTokenTenant \
  'another tenant' AZURE_TENANT_ID -- plan 'azure:*'
AZURE_SUBSCRIPTION_ID=gone refused 1 "subscription 'gone'" 'no right on it' -- plan 'azure:*'
AZURE_SUBSCRIPTION_ID=off refused 1 'Closed' 'is Disabled' -- plan 'azure:*'
AZURE_SUBSCRIPTION_ID='' refused 2 'no subscription' 'az account set' -- plan 'azure:*'
AZURE_CLIENT_ID='' refused 1 'no credentials' 'az login' -- plan 'azure:*'
AZURE_CLIENT_ID=less refused 1 'the permission Microsoft.Compute/virtualMachines/read is missing' \
  'bootmend policy azure' -- plan 'azure:*'
unset AZURE_CLIENT_SECRET
export AZURE_CLIENT_CERTIFICATE_PATH=wrong.pem
AZURE_CLIENT_ID=cert refused 1 'wrong.pem' AADSTS700027 'not registered' -- any
AZURE_CLIENT_ID=cert AZURE_CLIENT_CERTIFICATE_PATH=good.crt refused 1 good.crt -- any
AZURE_CLIENT_ID=cert AZURE_CLIENT_CERTIFICATE_PATH=good.pem run any
expect_status 0
unset AZURE_CLIENT_CERTIFICATE_PATH
AZURE_CLIENT_ID=fed AZURE_FEDERATED_TOKEN_FILE=stranger.txt refused 1 AADSTS700027 -- any
AZURE_CLIENT_ID=fed AZURE_FEDERATED_TOKEN_FILE=token.txt run any
expect_status 0
IDENTITY_ENDPOINT=$url/msi/token IDENTITY_HEADER=wrong refused 1 'App Service' 'HTTP 401' -- any
IDENTITY_ENDPOINT=$url/msi/token IDENTITY_HEADER=app-service-secret run any
expect_status 0
export AZURE_CLIENT_SECRET=g00d~secret

# ---- which VMs: ids and names in any case, and those that are not ----
vm=$(vm_id web bad-1)
for words in "azure:${vm^^}" "azure:name=BAD-1,group=wEB"; do
  run plan "$words" --json
  expect_status 0
  [[ $(json '[.vms[].vm.name] | join(" ")') == Bad-1 ]] || fail "$words: $out"
done
refused 1 "$(vm_id web none)" ResourceNotFound -- plan "azure:$(vm_id web none)"
refused 1 ResourceGroupNotFound "'none'" -- plan "azure:$(vm_id none bad-1)"
refused 1 'name=nothing: no VM in subscription' -- plan azure:name=nothing
refused 2 'name=web-1' -- plan azure:web-1
refused 2 'an empty word' -- plan azure:
refused 2 "write azure:$vm" -- plan "$vm"
refused 2 '--health guest-agent: azure' status -- plan azure:name=bad-1 --health guest-agent

# ---- helpers ----
repair() { bootmend repair "$@" "${recipe[@]}" "${azure[@]}"; }
refused 1 'is not found' "$(vm_id ops none)" -- repair "azure:$vm" --helper "$(vm_id ops none)=local"
refused 2 'is no id of a VM' 'bootmend plan --json' -- repair "azure:$vm" --helper helper-1=local
refused 2 "'stopped': start it first" -- repair "azure:$vm" --helper "$(vm_id ops asleep)=local"
run repair azure:name=far "${helper[@]}"
expect_status 1
expect_out 'no-helper: there is no helper with a free slot in its zone'
run repair azure:name=bad-4 "${helper[@]}"
expect_status 1
expect_out freeze
# A right that is missing is told before anything is begun, where roles may be read.
AZURE_CLIENT_ID=noswap run repair "azure:$vm" "${helper[@]}"
expect_status 1
for text in 'nothing was begun' 'disk-from: the permission Microsoft.Compute/disks/write is missing' \
  'swap-os: the permission Microsoft.Compute/virtualMachines/write is missing' \
  'bootmend policy azure --strategy swap'; do expect_msg "$text"; done
about_it='.ids | any(ascii_downcase | endswith("bad-1"))'
(($(azure_count "$about_it") > 0 && $(azure_count ".effect and ($about_it)") == 0)) || fail 'it was begun'
rm -rf "$BOOTMEND_STATE_DIR"

# ---- what stands in the place of the service ----
rude_start() {
  coproc RUDE { exec "$source_dir/tests/integration/rude-endpoint.py" rude.log; }
  # shellcheck disable=SC2153 # set by coproc
  at_exit kill "$RUDE_PID"
  read -r port <&"${RUDE[0]}" || fail 'rude-endpoint.py did not start'
}
rude_start 2>/dev/null
at() { # KIND TEXT...
  refused 1 "${@:2}" -- bootmend plan 'azure:*' "${recipe[@]}" \
    --azure-endpoint "http://127.0.0.1:$port/$1" --azure-credential secret
}
at html 'a web page instead of an answer of Azure Resource Manager' proxy
at blocked 'HTTP 403 with a web page' proxy
at deep 'its reply' nested
at text 'its reply is no JSON object'
at redirect 'a redirect to http://127.0.0.1:1/'
at cut 'bytes remaining'
(($(grep -c '^html' rude.log) == 1)) || fail 'a proxy is asked again and again'
AZURE_AUTHORITY_HOST=http://127.0.0.1:$port/html refused 1 'no token service' proxy -- plan 'azure:*'

# ---- the two that were begun ----
wait $nostop && fail 'a stop without the right to it went well'
[[ $(jq -r '.jobs[0].outcome' nostop.json) == failed-restored ]] || fail "$(cat nostop.json nostop.err)"
[[ $(jq -r '.jobs[0].reason' nostop.json) == *'virtualMachines/powerOff/action is missing'*'bootmend policy azure'* ]] ||
  fail "$(jq -r '.jobs[0].reason' nostop.json)"
wait $endless && fail 'an operation that never ends went well'
why=$(jq -r '.jobs[0].reason' endless.json)
[[ $(jq -r '.jobs[0].outcome' endless.json) == failed-attention && $why == *'has not ended within'* && \
  $why == *"Bad-3_OsDisk, the VM is 'stopping'"* ]] || fail "$(cat endless.json endless.err)"
