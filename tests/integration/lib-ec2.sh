# shellcheck shell=bash disable=SC2154
# lib-ec2.sh - a fake EC2 over HTTP for test scripts; after functions.sh
#
#   ec2_start FILE     starts it with that configuration; $url is where it is
#   ec2_control JSON   see tests/fake-cloud/README.md, "Control"
#   ec2_calls [JQ]     the calls so far that match, one action a line
#   ec2_count [JQ]     how many those are
#   ec2_changes        those with an effect that was not only tried
#   ec2_state          all there is
requires jq curl

export AWS_ACCESS_KEY_ID=AKIAGOOD AWS_SECRET_ACCESS_KEY=g00d/secret+key
export AWS_REGION=us-east-1 AWS_EC2_METADATA_DISABLED=true
export AWS_CONFIG_FILE=$work/none AWS_SHARED_CREDENTIALS_FILE=$work/none
unset AWS_CA_BUNDLE AWS_PROFILE

ec2_start() {
  coproc SERVER { exec fake-cloud-server --config "$1"; }
  # shellcheck disable=SC2153 # set by coproc
  at_exit kill "$SERVER_PID"
  read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'
  export AWS_ENDPOINT_URL=$url
}

ec2_control() {
  curl -sf "$url/_fake/control" -d "$1" >/dev/null || fail "control: $1"
}

ec2_state() { curl -sf "$url/_fake/state"; }

ec2_calls() {
  curl -sf "$url/_fake/calls" | jq -r ".[] | select(${1:-true}) | .action"
}

ec2_count() { ec2_calls "$@" | wc -l; }

ec2_changes() {
  ec2_calls '(.action | test("^(Describe|Get|List|AssumeRole)") | not) and (.params.DryRun | not)'
}
