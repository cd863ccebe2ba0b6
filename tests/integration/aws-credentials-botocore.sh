#!/usr/bin/env bash
# botocore and bootmend look for credentials in the same variables and files,
# case by case; they must find the same ones, or both none.
. "$(dirname "$0")/../functions.sh"
requires jq curl

python=
for candidate in python3 /usr/bin/python3; do
  if version=$("$candidate" "$source_dir/tests/integration/aws-credentials-botocore.py" version 2>/dev/null); then
    python=$candidate
    break
  fi
done
[[ $python ]] || skip 'neither botocore nor awscli is installed'

role=arn:aws:iam::111122223333:role
cat >config.json <<EOF
{"seed": 5, "aws": {
  "accounts": {"111122223333": {
    "keys": [{"id": "AKIABASE", "secret": "base/secret", "arn": "arn:aws:iam::111122223333:user/op"}],
    "roles": [{"arn": "$role/one", "trust": ["*:user/op"]},
              {"arn": "$role/two", "trust": ["*:assumed-role/one/*"]},
              {"arn": "$role/outside", "trust": ["*:user/op"], "external_id": "xyzzy"},
              {"arn": "$role/machine", "trust": []},
              {"arn": "$role/web", "trust": [], "web_tokens": ["good-token"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "imds": {"instance": "i-000000000000000a1", "role": "$role/machine"},
  "instances": [{"id": "i-000000000000000a1", "zone": "us-east-1a"}]}}
EOF
coproc SERVER { exec fake-cloud-server --config "$work/config.json" --no-answer-ms 3000; }
# shellcheck disable=SC2153 # set by coproc
server_pid=$SERVER_PID
at_exit kill "$server_pid"
read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'
printf good-token >web-token

# ---- one case: variables, files, and what both find ----
checked=0 found=0
variables=() profile=()
given() { # NAME=VALUE...
  variables=("$@") profile=()
  rm -f credentials config
}
named() { profile=("$1"); }
credentials() { cat >credentials; }
config() { cat >config; }
# Keys of a role are new each time: what counts is whose they are.
whose() { # ID
  if [[ $1 == ASIA* ]]; then
    curl -sf "$url/_fake/object/$1" | jq -r '.arn | split("/")[1]' || echo "$1"
  else
    echo "$1"
  fi
}
in_place() {
  env -i PATH="$PATH" HOME="$work/home" LC_ALL=C.UTF-8 ASAN_OPTIONS="${ASAN_OPTIONS:-}" \
    PYENV_VERSION="${PYENV_VERSION:-}" AWS_SHARED_CREDENTIALS_FILE="$work/credentials" AWS_CONFIG_FILE="$work/config" \
    AWS_EC2_METADATA_SERVICE_ENDPOINT="$url" AWS_ENDPOINT_URL_STS="$url" \
    AWS_REGION=us-east-1 AWS_DEFAULT_REGION=us-east-1 "${variables[@]}" "$@"
}
theirs_and_ours() { # WHAT: the name of the case
  local theirs ours their_token our_token
  run in_place "$python" "$source_dir/tests/integration/aws-credentials-botocore.py" find "${profile[@]}"
  expect_status 0
  theirs=$(json 'if .error then "error" else .id end') their_token=$(json '.token // false')
  [[ $theirs == error ]] || theirs=$(whose "$theirs")
  [[ $theirs == error ]] && their_error=$(json .error)
  run in_place aws-credentials-tool "${profile[@]/#/--profile=}"
  ours=$(json 'if .error then "error" else .id end') our_token=$(json '.token // false')
  [[ $ours == error ]] || ours=$(whose "$ours")
  [[ $theirs == "$ours" ]] || fail "$1: botocore finds $theirs ${their_error:-}, bootmend $ours"
  [[ $theirs == error || $their_token == "$our_token" ]] || fail "$1: a token, or none"
  checked=$((checked + 1))
  if [[ $ours != error ]]; then found=$((found + 1)); fi
}
static='aws_access_key_id = %s\naws_secret_access_key = file/secret\n'
# shellcheck disable=SC2059 # a format of our own
keys() { printf "$static" "$1"; }
no_imds=AWS_EC2_METADATA_DISABLED=true
env_keys=(AWS_ACCESS_KEY_ID=AKIAENV AWS_SECRET_ACCESS_KEY=env/secret)

given "${env_keys[@]}"; theirs_and_ours environment
given "${env_keys[@]}" AWS_SESSION_TOKEN=t; theirs_and_ours 'environment with a token'
given "${env_keys[@]}" AWS_SECURITY_TOKEN=t; theirs_and_ours 'environment with an old token'
given AWS_ACCESS_KEY_ID=AKIAENV; theirs_and_ours 'half an environment'
given AWS_ACCESS_KEY_ID= AWS_SECRET_ACCESS_KEY= "$no_imds"; theirs_and_ours 'an empty environment'
given AWS_SECRET_ACCESS_KEY=x "$no_imds"; theirs_and_ours 'the other half of an environment'
given "${env_keys[@]}"; credentials <<<"[dev]
$(keys AKIADEV)"; named dev; theirs_and_ours 'a named profile before the environment'
given "${env_keys[@]}" AWS_PROFILE=dev; credentials <<<"[dev]
$(keys AKIADEV)"; theirs_and_ours 'the environment before AWS_PROFILE'
given "$no_imds"; credentials <<<"[default]
$(keys AKIAFILE)"; config <<<"[default]
$(keys AKIACONF)"; theirs_and_ours 'credentials before config'
given "$no_imds"; config <<<"[default]
$(keys AKIACONF)"; theirs_and_ours 'config alone'
given "$no_imds"; config <<<"[profile default]
$(keys AKIACONF)"; theirs_and_ours 'profile default'
given "$no_imds"; config <<<"[default]
$(keys AKIAONE)
[profile default]
$(keys AKIATWO)"; theirs_and_ours 'default twice'
given "$no_imds"; config <<<"[profile default]
$(keys AKIAONE)
[default]
$(keys AKIATWO)"; theirs_and_ours 'default twice, the other way round'
# Which of the two counts when both are there depends on the version of
# botocore; bootmend refuses that.
given "$no_imds" AWS_PROFILE=a AWS_DEFAULT_PROFILE=a; credentials <<<"[a]
$(keys AKIAA)"; theirs_and_ours 'both names of a profile'
given "$no_imds" AWS_DEFAULT_PROFILE=a; credentials <<<"[a]
$(keys AKIAA)"; theirs_and_ours 'the other name of a profile'
given "$no_imds" AWS_PROFILE=none; credentials <<<"[a]
$(keys AKIAA)"; theirs_and_ours 'a profile that is not there'
given "$no_imds" AWS_PROFILE='two words'; config <<<"[profile \"two words\"]
$(keys AKIAWORDS)"; theirs_and_ours 'a profile of two words'
given "$no_imds" AWS_PROFILE=a; config <<<"[a]
$(keys AKIAA)"; theirs_and_ours 'a section that is no profile'
given "$no_imds"; credentials <<<"[default]
aws_access_key_id = AKIAHALF"; theirs_and_ours 'half a file'
given "$no_imds"; credentials <<<"[default]
AWS_Access_Key_Id : AKIACASE
aws_secret_access_key=x
aws_session_token = t"; theirs_and_ours 'case, colon, token'
given "$no_imds"; credentials <<<"# one
[default]
  ; two
aws_access_key_id = AKIACOMMENT
s3 =
    addressing_style = path
    # three
    max = 1
aws_secret_access_key = x"; theirs_and_ours 'comments and lines'
given "$no_imds"; credentials < <(printf '[default]\r\naws_access_key_id = AKIACRLF\r\naws_secret_access_key = x\r\n')
theirs_and_ours 'lines of Windows'
given "$no_imds"; credentials <<<"[DEFAULT]
$(keys AKIAALL)
[default]
region = x"; theirs_and_ours 'values for all sections'
given "$no_imds"; credentials <<<"[default]
$(keys AKIAONE)
[default]
$(keys AKIATWO)"; theirs_and_ours 'a section twice'
given "$no_imds"; credentials <<<"[default]
$(keys AKIAONE)
aws_access_key_id = AKIATWO"; theirs_and_ours 'a key twice'
given "$no_imds"; config <<<"nonsense"; theirs_and_ours 'nonsense'
given "$no_imds"; config <<<"[default]
nonsense"; theirs_and_ours 'nonsense in a section'

process() { # ID [VERSION]: a file that is printed, and the line for it
  printf '{"Version": %s, "AccessKeyId": "%s", "SecretAccessKey": "x y" }' "${2:-1}" "$1" | tr -d ' ' >"keys-$1.json"
  printf 'credential_process = cat "%s"\n' "$work/keys-$1.json"
}
given "$no_imds"; config <<<"[default]
$(keys AKIACONF)
$(process AKIAPROC)"; theirs_and_ours 'a program before config'
given "$no_imds"; config <<<"[default]
$(process AKIAPROC)"; credentials <<<"[default]
$(keys AKIAFILE)"; theirs_and_ours 'credentials before a program'
given "$no_imds"; config <<<"[default]
$(process AKIAPROC 2)"; theirs_and_ours 'a program of version 2'
given "$no_imds"; config <<<"[default]
credential_process = false"; theirs_and_ours 'a program that fails'
given "$no_imds"; config <<<"[default]
credential_process = /bin/echo '{\"Version\": 1, \"AccessKeyId\": \"AKIA'QUOTED'\", \"SecretAccessKey\":\"\\\"x\"}'"
theirs_and_ours 'quotes'

given "$no_imds"; theirs_and_ours 'nothing'
if [[ $version == *' roles' ]]; then
  given; theirs_and_ours 'the machine'
  given AWS_PROFILE=bare; config <<<"[profile bare]
region = us-east-1"; theirs_and_ours 'a profile without keys, the machine'
  base="[base]
aws_access_key_id = AKIABASE
aws_secret_access_key = base/secret"
  roles="[profile one]
role_arn = $role/one
source_profile = base
[profile two]
role_arn = $role/two
source_profile = one
role_session_name = a.name
[profile outside]
role_arn = $role/outside
source_profile = base
external_id = xyzzy
duration_seconds = 900
[profile refused]
role_arn = $role/outside
source_profile = base
[profile environment]
role_arn = $role/one
credential_source = Environment
[profile both]
role_arn = $role/one
credential_source = Environment
source_profile = base
[profile neither]
role_arn = $role/one
[profile a]
role_arn = $role/one
source_profile = b
[profile b]
role_arn = $role/one
source_profile = a
[profile self]
role_arn = $role/one
source_profile = self
aws_access_key_id = AKIABASE
aws_secret_access_key = base/secret
[profile selfless]
role_arn = $role/one
source_profile = selfless
[profile web]
role_arn = $role/web
web_identity_token_file = $work/web-token
[profile unsourced]
role_arn = $role/one
source_profile = nowhere
[profile keyless]
role_arn = $role/one
source_profile = empty
[profile empty]
region = us-east-1
[profile throughprocess]
role_arn = $role/one
source_profile = process
[profile process]
credential_process = /bin/echo '{\"Version\":1,\"AccessKeyId\":\"AKIABASE\",\"SecretAccessKey\":\"base/secret\"}'"
  for p in one two outside refused both neither a self selfless web unsourced keyless throughprocess; do
    given "$no_imds" AWS_PROFILE=$p; credentials <<<"$base"; config <<<"$roles"
    theirs_and_ours "role of $p"
    named $p; theirs_and_ours "role of $p, named"
  done
  given AWS_ACCESS_KEY_ID=AKIABASE AWS_SECRET_ACCESS_KEY=base/secret; config <<<"$roles"; named environment
  theirs_and_ours 'role with keys of the environment'
  given AWS_WEB_IDENTITY_TOKEN_FILE="$work/web-token" AWS_ROLE_ARN=$role/web; theirs_and_ours 'web identity'
  given AWS_WEB_IDENTITY_TOKEN_FILE="$work/web-token" AWS_ROLE_ARN=$role/web; credentials <<<"[default]
$(keys AKIAFILE)"; theirs_and_ours 'web identity before the file'
  given AWS_WEB_IDENTITY_TOKEN_FILE="$work/web-token" AWS_ROLE_ARN=$role/web; credentials <<<"[dev]
$(keys AKIADEV)"; named dev; theirs_and_ours 'a named profile before web identity'
  given AWS_WEB_IDENTITY_TOKEN_FILE="$work/web-token" "$no_imds"; theirs_and_ours 'web identity without a role'
else
  echo "botocore ${version% *} can't be led to a fake STS and IMDS: roles are not compared"
fi
echo "botocore ${version% *}: $checked cases, $found with credentials"
((found >= 18)) || fail 'too few cases with credentials'
