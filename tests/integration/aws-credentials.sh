#!/usr/bin/env bash
# Credentials of AWS from everywhere, over real HTTP with real signatures; and
# what is left of them in messages and in memory.
. "$(dirname "$0")/../functions.sh"
requires jq python3 curl xxd

secret() { # NAME: a random one in a file of its own, never in this script's argv
  { printf 'k3Y/' && head -c 30 /dev/urandom | base64 | tr -d '\n'; } >"$work/secrets/$1"
}
mkdir "$work/secrets" "$work/home"
for name in base other process container web; do secret $name; done

# ---- a cloud ----
role=arn:aws:iam::111122223333:role
jq -n --rawfile base secrets/base --rawfile other secrets/other --rawfile web secrets/web '
  {seed: 5, aws: {
    accounts: {"111122223333": {
      keys: [{id: "AKIABASE", secret: $base, arn: "arn:aws:iam::111122223333:user/op"},
             {id: "AKIAOTHER", secret: $other, arn: "arn:aws:iam::111122223333:user/other"}],
      roles: [{arn: "arn:aws:iam::111122223333:role/one", trust: ["*:user/op"]},
              {arn: "arn:aws:iam::111122223333:role/two", trust: ["*:assumed-role/one/*"]},
              {arn: "arn:aws:iam::111122223333:role/machine", trust: []},
              {arn: "arn:aws:iam::111122223333:role/web", trust: [], web_tokens: [$web]}]}},
    regions: {"us-east-1": {zones: ["us-east-1a"]}, "eu-west-1": {zones: ["eu-west-1a"]}},
    imds: {instance: "i-000000000000000a1", role: "arn:aws:iam::111122223333:role/machine",
           credential_seconds: 60},
    instances: [{id: "i-000000000000000a1", zone: "eu-west-1a"}]}}' >config.json
coproc SERVER { exec fake-cloud-server --config "$work/config.json" --no-answer-ms 3000; }
# shellcheck disable=SC2153 # set by coproc
server_pid=$SERVER_PID
at_exit kill "$server_pid"
read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'

# ---- a container's endpoint, which wants its token ----
cat >endpoint.py <<'PY'
import http.server, json, pathlib
class Handler(http.server.BaseHTTPRequestHandler):
    def do_GET(self):
        good = self.headers.get('Authorization') == 'pod ' + 'token'
        body = json.dumps({'AccessKeyId': 'ASIACONT', 'Token': 'x' * 20, 'Expiration': '2099-01-01T00:00:00Z',
                           'SecretAccessKey': pathlib.Path('secrets/container').read_text()}
                          if good else {'code': 'Forbidden', 'message': 'who are you'}).encode()
        self.send_response(200 if good else 403)
        self.send_header('Content-Length', str(len(body)))
        self.end_headers()
        self.wfile.write(body)
    def log_message(self, *words): pass
server = http.server.HTTPServer(('127.0.0.1', 0), Handler)
print('http://127.0.0.1:%d/keys' % server.server_port, flush=True)
server.serve_forever()
PY
exec {from_endpoint}< <(exec python3 endpoint.py)
at_exit kill $!
read -r endpoint <&"$from_endpoint" || fail 'the endpoint did not start'

# ---- files ----
{
  printf '[base]\naws_access_key_id = AKIABASE\naws_secret_access_key = '
  cat secrets/base
  printf '\n[wrong]\naws_access_key_id = AKIABASE\naws_secret_access_key = '
  cat secrets/other
  printf '\n[gone]\naws_access_key_id = AKIAGONE\naws_secret_access_key = '
  cat secrets/other
} >credentials
chmod 600 credentials
cat >keys.sh <<EOF
printf '{"Version": 1, "AccessKeyId": "AKIAPROC", "SecretAccessKey": "'
cat "$work/secrets/process"
printf '"}'
EOF
printf 'not JSON: ' >broken.txt
cat secrets/process >>broken.txt
cat >config <<EOF
[profile one]
role_arn = $role/one
source_profile = base
[profile two]
role_arn = $role/two
source_profile = one
[profile badsecret]
role_arn = $role/one
source_profile = wrong
[profile badid]
role_arn = $role/one
source_profile = gone
[profile denied]
role_arn = $role/two
source_profile = base
[profile process]
credential_process = /bin/sh "$work/keys.sh"
[profile broken]
credential_process = cat "$work/broken.txt"
[profile leaky]
credential_process = /bin/sh -c 'cat "$work/broken.txt" >&2; exit 1'
[profile nowhere]
region = eu-west-1
EOF
printf 'pod token' >pod-token

find_keys() { # [NAME=VALUE]... [-- OPTIONS]: sets $status, $out, $msg
  local -a variables=()
  while (($#)) && [[ $1 != -- ]]; do
    variables+=("$1")
    shift
  done
  run env -i PATH="$PATH" HOME="$work/home" LC_ALL=C.UTF-8 ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
    http_proxy=http://127.0.0.1:1 HTTPS_PROXY=http://127.0.0.1:1 ALL_PROXY=http://127.0.0.1:1 \
    AWS_SHARED_CREDENTIALS_FILE="$work/credentials" AWS_CONFIG_FILE="$work/config" \
    AWS_EC2_METADATA_SERVICE_ENDPOINT="$url" AWS_ENDPOINT_URL_STS="$url" AWS_REGION=us-east-1 \
    "${variables[@]}" aws-credentials-tool --log "${@:2}"
  cat "$work/.out" "$work/.msg" >>"$work/everything-said"
}
good() { # ID-GLOB SOURCE-TEXT
  expect_status 0
  # shellcheck disable=SC2053 # a pattern
  [[ $(json .id) == $1 ]] || fail "id $(json .id), expected $1"
  [[ $(json .source) == *"$2"* ]] || fail "source $(json .source), expected $2"
}
bad() { # CODE TEXT...
  expect_status 1
  [[ $(json .error.code) == "$1" ]] || fail "code $(json .error.code), expected $1"
  shift
  local text
  for text; do
    [[ $(json .error.message) == *"$text"* ]] || fail "message lacks: $text"
  done
}
calls() { curl -sf "$url/_fake/calls" | jq length; }

# ---- each source ----
find_keys AWS_PROFILE=base && good AKIABASE 'profile base'
find_keys -- --profile one && good 'ASIA*' "profile one -> role $role/one"
[[ $(json .token) == true ]] || fail 'a role without a token'
find_keys -- --profile two && good 'ASIA*' "profile two -> role $role/two"
arn=$(curl -sf "$url/_fake/object/$(json .id)" | jq -r .arn)
[[ $arn == *:assumed-role/two/bootmend-* ]] || fail "another role: $arn"
find_keys AWS_WEB_IDENTITY_TOKEN_FILE="$work/secrets/web" AWS_ROLE_ARN=$role/web && good 'ASIA*' 'web identity'
find_keys -- --profile process && good AKIAPROC credential_process
find_keys AWS_CONTAINER_CREDENTIALS_FULL_URI="$endpoint" \
  AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$work/pod-token" && good ASIACONT 'container endpoint'
find_keys AWS_REGION= && good 'ASIA*' 'role machine of this instance'
[[ $(json .region) == eu-west-1 ]] || fail 'not the region of the instance'
in_ms=$(json .expires_in_ms)
((in_ms > 30000 && in_ms <= 60000)) || fail "keys of a minute end in $in_ms ms"
find_keys -- --profile one --sts-endpoint "$url/" && good 'ASIA*' 'role'

# ---- each way to fail: one message, few calls ----
before=$(calls)
find_keys -- --profile badsecret && bad auth 'profile badsecret' SignatureDoesNotMatch 'secret access key is not the one'
find_keys -- --profile badid && bad auth InvalidClientTokenId 'do not exist'
find_keys -- --profile denied && bad auth 'user/op is not authorized' 'the role must trust this caller'
(($(calls) - before == 3)) || fail "$(($(calls) - before)) calls instead of 3"
find_keys AWS_PROFILE=nosuch && bad auth '"nosuch" (AWS_PROFILE)' 'there are one, two'
find_keys -- --profile broken && bad auth 'credential_process: no valid JSON'
find_keys -- --profile leaky && bad auth 'exit status 1: not JSON: ***'
find_keys AWS_CONTAINER_CREDENTIALS_FULL_URI="$endpoint" && bad auth 'HTTP 403: Forbidden: who are you'
find_keys AWS_CONTAINER_CREDENTIALS_FULL_URI=http://192.0.2.1/keys && bad auth 'only this machine'
find_keys AWS_EC2_METADATA_DISABLED=true -- --profile nowhere && bad auth 'no credentials found' 'instance metadata'
find_keys AWS_EC2_METADATA_SERVICE_ENDPOINT=http://127.0.0.1:1 && bad auth 'no answer from' 'hop limit'
find_keys AWS_ENDPOINT_URL_STS=http://127.0.0.1:1 -- --profile one && bad transient 'STS: 4 attempts'
find_keys AWS_ENDPOINT_URL_STS="$endpoint" -- --profile one && bad auth 'profile one' 'HTTP 501'

# ---- warned ----
cp credentials open-credentials && chmod 644 open-credentials
find_keys AWS_SHARED_CREDENTIALS_FILE="$work/open-credentials" AWS_PROFILE=base && good AKIABASE base
[[ $(json '.warnings[0]') == *'chmod 600'* ]] || fail 'no warning of readers'

# ---- nothing secret in what was said, at debug level ----
[[ $(wc -l <everything-said) -gt 60 ]] || fail 'where are the messages?'
grep -q 'credentials: found' everything-said || fail 'no debug messages'
for name in base other process container web; do
  if grep -qFf "secrets/$name" everything-said; then fail "a message holds the secret $name"; fi
done

# ---- nor in memory, once they are released ----
# The end of a secret, as the tool wants it: malloc itself writes over the
# beginning of what is freed.
hidden() {
  tail -c 20 | xxd -p -c 64 | python3 -c 'print(bytes(b ^ 0x5a for b in bytes.fromhex(input())).hex())'
}
needles() { # NAME...
  local name
  for name; do
    hidden <"secrets/$name"
  done >needles
}
# Keys that the cloud made are known only after the search: they follow.
mkfifo late-needles
made_keys() { curl -sf "$url/_fake/state" | jq '.objects["access-key"] | length'; }
give_late_needles() { # COUNT: of keys that there were before
  local id
  until (($(made_keys) > $1)); do
    sleep 0.1
  done
  sleep 0.5
  curl -sf "$url/_fake/state" >state.json
  for id in $(jq -r '.objects["access-key"] | keys[] | select(startswith("ASIA"))' state.json); do
    jq -j --arg id "$id" '.objects["access-key"][$id]._secret' state.json | hidden
    jq -j --arg id "$id" '.objects["access-key"][$id]._token' state.json | hidden
  done >made-needles
  cat made-needles >late-needles
}
# shellcheck disable=SC2317 # by at_exit
stop() { kill "$1" 2>/dev/null || true; }
find_keys_late() {
  local before giver
  before=$(made_keys)
  give_late_needles "$before" &
  giver=$!
  at_exit stop "$giver"
  find_keys "$@"
  wait "$giver"
}
clean() {
  expect_status 0
  [[ $(json '.left | length') == 0 ]] || fail "left in memory: $(json -c .left)"
}
# Not under ASan, which keeps what is freed, and maps terabytes.
if [[ $(nm "$(command -v aws-credentials-tool)" 2>/dev/null) != *__asan_init* ]]; then
  # That it can find something: a variable stays as long as the process.
  needles other
  find_keys AWS_ACCESS_KEY_ID=A AWS_SECRET_ACCESS_KEY="$(cat secrets/other)" -- --needles "$work/needles"
  [[ $(json '.left | length') != 0 ]] || fail 'the look into memory finds nothing'
  needles base other
  find_keys -- --profile base --needles "$work/needles" && clean
  find_keys -- --profile two --needles "$work/needles" && clean
  needles process
  find_keys -- --profile process --needles "$work/needles" && clean
  needles container
  find_keys AWS_CONTAINER_CREDENTIALS_FULL_URI="$endpoint" \
    AWS_CONTAINER_AUTHORIZATION_TOKEN_FILE="$work/pod-token" -- --needles "$work/needles" && clean
  needles web
  find_keys AWS_WEB_IDENTITY_TOKEN_FILE="$work/secrets/web" AWS_ROLE_ARN=$role/web -- \
    --needles "$work/needles" && clean
  find_keys_late -- --profile two --needles "$work/late-needles" && clean
  find_keys_late AWS_REGION=eu-west-1 -- --needles "$work/late-needles" && clean
  [[ $(json .source) == *'this instance' ]] || fail 'not from the metadata service'
  (($(wc -l <everything-said) > 100)) || fail 'where are the messages?'
fi

# ---- bootmend itself dumps no core ----
mkfifo waiting
bootmend recipes check "$work/waiting" >/dev/null 2>&1 &
bootmend_pid=$!
at_exit kill "$bootmend_pid"
no_core() { grep -Eq '^Max core file size +0 +0' "/proc/$bootmend_pid/limits"; }
wait_for 10 no_core || fail "bootmend could dump core: $(grep core "/proc/$bootmend_pid/limits")"
