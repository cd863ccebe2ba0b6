#!/usr/bin/env bash
# Names and shapes of the fake EC2 against the model that the AWS CLI brings.
. "$(dirname "$0")/../functions.sh"
model=/usr/lib/python3/dist-packages/awscli/botocore/data/ec2/2016-11-15/service-2.json
[[ -r $model && -x /usr/bin/python3 ]] || skip 'awscli is not installed'
cat >"$work/config.json" <<'EOF'
{"seed": 5, "throttle": {"enabled": false}, "aws": {
  "accounts": {"1": {"keys": [{"id": "K", "secret": "s"}],
    "roles": [{"arn": "arn:aws:iam::1:role/r", "trust": ["*"]}]}},
  "regions": {"us-east-1": {"zones": ["us-east-1a"]}},
  "groups": [{"name": "g", "region": "us-east-1", "suspended": ["Launch"]}],
  "volumes": [{"id": "vol-00000000000000021", "zone": "us-east-1a",
    "modification": {"volumeId": "vol-00000000000000021", "modificationState": "optimizing", "progress": 3}}],
  "instances": [
    {"id": "i-00000000000000001", "name": "w", "zone": "us-east-1a", "platform": "windows", "public": "auto",
     "tpm": "v2.0", "hibernation": true, "managed": true, "product_codes": ["x"], "lifecycle": "spot",
     "root": {"id": "vol-00000000000000001", "encrypted": true, "kms_key": "arn:aws:kms:us-east-1:1:key/k",
              "snapshots": [{"tags": {"a": "b"}}]}},
    {"id": "i-00000000000000002", "zone": "us-east-1a", "public": "elastic", "type": "t3.large",
     "cpu_credits": "unlimited", "asg": "g"}]}}
EOF
coproc SERVER { exec fake-cloud-server --config "$work/config.json"; }
# shellcheck disable=SC2153 # set by coproc
at_exit kill "$SERVER_PID"
read -r url <&"${SERVER[0]}" || fail 'fake-cloud-server did not start'
# (KMS is JSON, which this comparison does not read.)
fake-cloud-server --actions | grep -E '^(ec2|sts|autoscaling) ' >"$work/actions"
/usr/bin/python3 "$source_dir/tests/integration/fake-ec2-model.py" "$url" <"$work/actions" ||
  fail 'the fake and the model differ'
