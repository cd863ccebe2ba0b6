#!/usr/bin/env bash
# Every request of the AWS provider against the models that the AWS CLI brings.
. "$(dirname "$0")/../functions.sh"
model=/usr/lib/python3/dist-packages/awscli/botocore/data/ec2/2016-11-15/service-2.json
[[ -r $model && -x /usr/bin/python3 ]] || skip 'awscli is not installed'
"$build_dir/tests/unit/aws-requests" >"$work/requests"
/usr/bin/python3 "$source_dir/tests/integration/aws-model.py" <"$work/requests" ||
  fail 'a request and the model differ'
