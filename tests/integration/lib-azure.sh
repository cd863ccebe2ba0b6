# shellcheck shell=bash disable=SC2154
# lib-azure.sh - a fake Azure over HTTP for test scripts; after functions.sh
#
#   azure_start FILE [OPTION...]   starts it with that configuration; $url is
#                        where it is, ${azure[@]} lead bootmend there
#   azure_control JSON   see tests/fake-cloud/README.md, "Control"
#   azure_calls [JQ]     the calls so far that match, one action a line
#   azure_count [JQ]     how many those are
#   azure_changes        those with an effect
#   azure_state          all there is
#   azure_head [STRATEGY]  the usual start of a configuration: tenant, subscription;
#                        with no more rights than `bootmend policy azure` says
#   vm_id GROUP NAME, disk_id GROUP NAME   as bootmend and the fake spell them
requires jq curl

subscription=11111111-2222-3333-4444-555555555555
tenant=aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee
application=99999999-8888-7777-6666-555555555555
export AZURE_TENANT_ID=$tenant AZURE_CLIENT_ID=$application
export AZURE_CLIENT_SECRET=g00d~secret AZURE_SUBSCRIPTION_ID=$subscription
export AZURE_CONFIG_DIR=$work/no-azure-cli
unset AZURE_CLIENT_CERTIFICATE_PATH AZURE_FEDERATED_TOKEN_FILE IDENTITY_ENDPOINT

azure_start() {
  coproc SERVER { exec fake-cloud-server --config "$@"; }
  # shellcheck disable=SC2153 # set by coproc
  at_exit kill "$SERVER_PID"
  read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'
  export AZURE_AUTHORITY_HOST=$url
  # shellcheck disable=SC2034 # for the tests
  azure=(--azure-endpoint "$url" --azure-credential secret)
}

azure_control() {
  curl -skf "$url/_fake/control" -d "$1" >/dev/null || fail "control: $1"
}

azure_state() { curl -skf "$url/_fake/state"; }

azure_calls() {
  curl -skf "$url/_fake/calls" | jq -r ".[] | select(${1:-true}) | .action"
}

azure_count() { azure_calls "$@" | wc -l; }

azure_changes() { azure_calls .effect; }

azure_head() {
  local allow=''
  [[ -z ${1:-} ]] || allow=", \"allow\": $(bootmend policy azure --strategy "$1" | jq -c .Actions)"
  cat <<END
  "tenants": {"$tenant": {"applications": [
    {"id": "$application", "secret": "g00d~secret"$allow,
     "object_id": "77777777-0000-0000-0000-000000000001"}]}},
  "subscriptions": {"$subscription": {"name": "Production", "tenant": "$tenant"}},
  "locations": {"westeurope": {"zones": ["1", "2"]}},
END
}

resource_id() { # GROUP TYPE NAME
  local id="/subscriptions/$subscription/resourcegroups/$1/providers/microsoft.compute/$2/$3"
  echo "${id,,}"
}
vm_id() { resource_id "$1" virtualmachines "$2"; }
disk_id() { resource_id "$1" disks "$2"; }
