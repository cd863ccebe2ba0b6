#!/usr/bin/env bash
# Words, keys and endpoints that are wrong, with the real program over HTTP: one
# message that says what to do, few calls, the right exit status, no campaign
# that was never begun. No disk is opened.
. "$(dirname "$0")/../functions.sh"
. "$source_dir/tests/integration/lib-ec2.sh"
requires python3 openssl

cat >"$work/config.json" <<'END'
{"seed": 5, "speed": 50, "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIAGOOD", "secret": "g00d/secret+key"},
             {"id": "AKIALESS", "secret": "g00d/secret+key",
              "deny": ["ec2:DescribeInstances"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a", "us-east-1b"]},
              "eu-west-1": {"zones": ["eu-west-1a"]}},
  "instances": [
   {"id": "i-00000000000000b01", "name": "bad-1", "zone": "us-east-1a"},
   {"id": "i-00000000000000b02", "name": "bad-2", "zone": "us-east-1b"},
   {"id": "i-00000000000000c01", "name": "eu-1", "zone": "eu-west-1a"},
   {"id": "i-00000000000000a01", "name": "helper-a", "zone": "us-east-1a"},
   {"id": "i-00000000000000a02", "name": "off", "zone": "us-east-1b",
    "state": "stopped"}]}}
END
ec2_start "$work/config.json"
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
  before=$(ec2_count true)
  run "$@"
  expect_status "$status_wanted"
  expect_no_out
  for text in "${texts[@]}"; do expect_msg "$text"; done
  [[ $(grep -c '^bootmend: [a-z]*: ' <<<"$msg") == 1 && $msg != *'aws: aws:'* ]] ||
    fail 'this is not one clear message'
  (($(ec2_count true) - before <= most)) || fail "$(($(ec2_count true) - before)) calls, at most $most were expected"
  [[ -z $(ls "$BOOTMEND_STATE_DIR" 2>/dev/null) ]] || fail "it left something: $(ls "$BOOTMEND_STATE_DIR")"
}
plan() { bootmend plan "$@" "${recipe[@]}"; }
repair() { bootmend repair "$@" "${recipe[@]}" --include-healthy --health none; }

# ---- regions, keys ----
refused 1 1 'check --aws-region' -- plan 'aws:region=us-oest-1,*'
AWS_REGION='us east' refused 2 0 "can't be an AWS region" -- plan 'aws:*'
AWS_REGION='' refused 2 0 'no region: give --aws-region' -- plan 'aws:*'
AWS_SECRET_ACCESS_KEY=wrong refused 1 1 'identify: SignatureDoesNotMatch' 'the secret key is wrong' \
  -- repair 'aws:*' --helper i-00000000000000a01=local
AWS_ACCESS_KEY_ID=AKIANONE refused 1 1 InvalidClientTokenId 'no such access key' -- plan 'aws:*'
AWS_ACCESS_KEY_ID='' AWS_SECRET_ACCESS_KEY='' refused 1 0 'no credentials found' 'aws sts get-caller-identity' \
  -- plan 'aws:*'
refused 2 0 'profile "nope"' -- plan 'aws:profile=nope,*'
AWS_ACCESS_KEY_ID=AKIALESS refused 1 2 'the permission ec2:DescribeInstances is missing' \
  'bootmend policy aws' -- repair 'aws:*' --helper i-00000000000000a01=local
for code in ExpiredToken RequestExpired OptInRequired Blocked; do
  ec2_control '{"op": "fault", "rule": {"action": "DescribeInstances", "what": "error",
    "code": "'$code'", "status": 400, "message": "the words of the service."}}'
  refused 1 3 "$code: the words of the service (" -- repair 'aws:*' --helper i-00000000000000a01=local
  ec2_control '{"op": "clear-faults"}'
done

# ---- ids, words ----
refused 1 2 'i-00000000000000c01: no such instance in region us-east-1 of 111122223333' \
  'another region' -- repair aws:i-00000000000000c01 --helper i-00000000000000a01=local
refused 2 0 '"i-12" is no instance id' -- plan aws:i-12
refused 2 0 'name=web-1' -- plan aws:web-1
refused 2 0 'an empty word' -- plan aws:
refused 1 2 'name=nothing: no instance' -- plan aws:name=nothing
echo i-00000000000000b01 >ids.txt
refused 1 0 '@none.txt: none.txt: No such file' -- plan aws:@none.txt
refused 1 0 '@-: names no VM' -- plan aws:@-
refused 2 0 'only once' -- bash -c 'echo i-00000000000000b01 | bootmend plan aws:@- aws:@- --recipe crowdstrike-291'

# ---- helpers ----
vm=aws:i-00000000000000b01
refused 2 20 '--helper ID=' -- repair "$vm"
refused 1 20 "helper 'i-00000000000000a09' is not found" -- repair "$vm" --helper i-00000000000000a09=local
refused 1 20 "helper 'i-00000000000000c01' is not found" -- repair "$vm" --helper i-00000000000000c01=local
refused 2 20 "helper 'i-00000000000000a02' is 'stopped': start it first" \
  -- repair "$vm" --helper i-00000000000000a02=local
run repair aws:i-00000000000000b02 --helper i-00000000000000a01=local
expect_status 1
expect_out 'no-helper: there is no helper with a free slot in its zone'
[[ -z $(ec2_changes) ]] || fail "something was changed: $(ec2_changes)"
rm -rf "$BOOTMEND_STATE_DIR"

# ---- what stands in the place of the service ----
openssl req -x509 -newkey rsa:2048 -nodes -keyout key.pem -out cert.pem -days 2 \
  -subj /CN=127.0.0.1 -addext subjectAltName=IP:127.0.0.1 2>/dev/null
rude() { # LOG [CERT KEY]: sets $port
  coproc RUDE { exec "$source_dir/tests/integration/rude-endpoint.py" "$@"; }
  # shellcheck disable=SC2153
  at_exit kill "$RUDE_PID"
  read -r port <&"${RUDE[0]}" || fail 'rude-endpoint.py did not start'
}
rude rude.log 2>/dev/null
plain=$port
rude tls.log cert.pem key.pem 2>/dev/null
tls=$port
asked() { grep -c . rude.log || true; }
at() { # KIND TEXT...: asked once
  local before
  before=$(asked)
  AWS_ENDPOINT_URL=http://127.0.0.1:$plain/$1 refused 1 0 "${@:2}" -- plan 'aws:*'
  (($(asked) - before == 1)) || fail "$1: asked $(($(asked) - before)) times"
}
at html 'a web page instead of an answer of sts' 'proxy'
at blocked 'HTTP 403 with a web page' 'proxy'
at bomb 'XML with a DTD' 'is the endpoint wrong?'
at other 'its reply is a <Something>' 'is the endpoint wrong?'
at redirect 'a redirect to http://127.0.0.1:1/' 'login portal'
at skew "this machine's clock is " ' behind the one of aws' 'SignatureDoesNotMatch'
AWS_ENDPOINT_URL=https://127.0.0.1:$tls/html refused 1 0 'self-signed certificate' '--ca-file' -- plan 'aws:*'
[[ ! -s tls.log ]] || fail 'something was sent to a server that nobody vouches for'
AWS_ENDPOINT_URL=https://127.0.0.1:$tls/html refused 1 0 'a web page' -- plan 'aws:*' --ca-file cert.pem
# The AWS configuration's own file; and STS, which a role is fetched from.
AWS_CA_BUNDLE=$PWD/cert.pem AWS_ENDPOINT_URL=https://127.0.0.1:$tls/html \
  refused 1 0 'a web page' -- plan 'aws:*'
cat >role.config <<END
[default]
ca_bundle = $PWD/cert.pem
[profile role]
role_arn = arn:aws:iam::111122223333:role/r
credential_source = Environment
region = us-east-1
END
role() { AWS_CONFIG_FILE=$PWD/role.config AWS_ENDPOINT_URL=https://127.0.0.1:$tls/html plan "$@" 'aws:profile=role,*'; }
refused 1 0 'self-signed certificate' -- role
refused 1 0 'no reply of STS' -- role --ca-file cert.pem
sed -i '1,2d; $a ca_bundle = '"$PWD"'/cert.pem' role.config
refused 1 0 'no reply of STS' -- role
sed -i 's/^ca_bundle.*/ca_bundle = none.pem/' role.config
refused 1 0 'none.pem' -- role
AWS_ENDPOINT_URL='' HTTPS_PROXY=http://127.0.0.1:$plain refused 1 0 'the proxy answered HTTP 403' NO_PROXY \
  -- plan 'aws:*'

# Those that may be over in a moment are asked again, a few times; at the same
# time, as that takes its time.
slow() { # KIND URL
  local code=0
  AWS_ENDPOINT_URL=$2 bootmend plan 'aws:*' "${recipe[@]}" >"$1.out" 2>"$1.msg" || code=$?
  echo "$code" >"$1.code"
}
for kind in cut busy; do slow $kind "http://127.0.0.1:$plain/$kind" & done
slow closed http://127.0.0.1:1 &
AWS_ENDPOINT_URL=http://127.0.0.1:$plain/hang env --default-signal=INT \
  bootmend plan 'aws:*' "${recipe[@]}" >hang.out 2>hang.msg &
hanging=$!
wait_for 30 grep -q 'no answer yet' hang.msg || fail 'nobody says that it waits'
kill -INT $hanging
wait_for 5 bash -c "! kill -0 $hanging 2>/dev/null" || fail '^C does not end it'
for kind in cut busy closed; do
  wait_for 60 test -s $kind.code || fail "$kind: it goes on for too long"
  [[ $(<$kind.code) == 1 && ! -s $kind.out ]] || fail "$kind: $(cat $kind.code $kind.out)"
done
grep -q 'transfer closed with 500 bytes remaining' cut.msg || fail "$(cat cut.msg)"
grep -q 'HTTP 503' busy.msg || fail "$(cat busy.msg)"
grep -q 'check route, firewall and proxy' closed.msg || fail "$(cat closed.msg)"
for kind in cut busy; do
  (($(grep -c "^$kind" rude.log) <= 6)) || fail "$kind: asked $(grep -c "^$kind" rude.log) times"
done
[[ -z $(ls "$BOOTMEND_STATE_DIR" 2>/dev/null) ]] || fail 'a campaign was left that never began'
