/* Whatever EC2, or somebody in between, answers: every parser of the AWS
 * provider.  The first byte says which ('A' is the first row), the second the
 * HTTP status, the rest is the body. */

#include "fuzz.h"

#include <string.h>

#include <base/json.h>
#include <net/http.h>
#include <provider-aws/aws-provider.h>

#define VM                                                                     \
  "{\"id\": \"i-0000000000000000a\", \"power\": \"running\", \"zone\": \"z\"," \
  " \"facts\": {\"asg\": \"g\", \"tenancy\": \"host\", \"keys\": [\"k\"]},"    \
  " \"attributes\": {\"instance_type\": \"t3.large\"}, \"os_disk\":"           \
  " {\"id\": \"vol-0000000000000000a\", \"attributes\": {}}}"
#define LOOK(phase, item)                                                      \
  "{\"selector\": {\"ids\": [\"i-0000000000000000a\"]}, \"page\": {\"phase\":" \
  " \"" phase "\", \"items\": [\"" item "\"], \"at\": 0, \"vms\": [" VM "]}}"

static const struct {
  enum op_id op;
  const char *in;
} rows[] = {
    {OP_IDENTIFY, "{}"},
    {OP_STOP, "{\"vms\": [" VM ", {\"id\": \"i-0000000000000000b\"}]}"},
    {OP_DETACH_OS, "{\"vm\": " VM ", \"disk\": {\"id\": \"vol-1\"}}"},
    {OP_SNAPSHOT, "{\"vm\": " VM ", \"disk\": {\"id\": \"vol-1\"}}"},
    {OP_SWAP_OS, "{\"vm\": " VM ", \"disk\": {\"id\": \"vol-1\"}}"},
    {OP_DELETE, "{\"kind\": \"disk\", \"id\": \"vol-1\"}"},
    {OP_FIND_CREATED, "{\"campaign\": \"c\"}"},
    {OP_SERIAL_LOG, "{\"vm\": " VM ", \"after\": {\"tail\": \"ab\"}}"},
    {OP_SCREENSHOT, "{\"vm\": " VM "}"},
    {OP_PREFLIGHT, "{\"vm\": " VM "}"},
    {OP_DESCRIBE, "{\"ids\": [\"i-0000000000000000a\"], \"brief\": true}"},
    {OP_DESCRIBE_DISKS, "{\"ids\": [\"vol-0000000000000000a\"]}"},
    {OP_DESCRIBE_DISKS, "{\"ids\": [\"snap-0000000000000000a\"]}"},
    {OP_DESCRIBE_DISKS, "{\"ids\": [\"replacevol-0000000000000000a\"]}"},
    {OP_FIND, "{\"selector\": {\"all\": true, \"not\": [{\"by\": \"tag\","
              " \"key\": \"Name\", \"pattern\": \"a*\"}]}}"},
    {OP_FIND, LOOK ("impaired", "instance-status.status")},
    {OP_FIND, LOOK ("status", "i-0000000000000000a")},
    {OP_FIND, LOOK ("volumes", "vol-0000000000000000a")},
    {OP_FIND, LOOK ("modifications", "vol-0000000000000000a")},
    {OP_FIND, LOOK ("snapshots", "vol-0000000000000000a")},
    {OP_FIND, LOOK ("types", "t3.large")},
    {OP_FIND, LOOK ("credits", "i-0000000000000000a")},
    {OP_FIND, LOOK ("members", "i-0000000000000000a")},
    {OP_FIND, LOOK ("groups", "g")},
    {OP_FIND, LOOK ("encrypted", "i-0000000000000000a")},
    {OP_FIND, LOOK ("keys", "k")},
};

static void
check (const json_t *out, const struct err *err, int result)
{
  CLEANUP_FREE char *text = NULL;

  if (result == -1) {
    FUZZ_CHECK (err && err->msg && out == NULL);
    FUZZ_CHECK (strpbrk (err->msg, "\n\r") == NULL);
    return;
  }
  FUZZ_CHECK (err == NULL && json_is_object (out));
  text = json_text (out);
  FUZZ_CHECK (*text == '{');
}

int
LLVMFuzzerTestOneInput (const uint8_t *data, size_t size)
{
  static const int statuses[] = {200, 400, 403, 412, 500, 503};
  char account[] = "1", region[] = "eu-west-1";
  struct binding b = {.provider = &aws_provider,
                      .account = account,
                      .region = region};
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  CLEANUP_JSON json_t *in = NULL, *out = NULL, *config = json_object ();
  CLEANUP_ERR struct err *err = NULL;
  size_t row;
  int result;

  if (size < 2)
    return 0;
  row = (size_t)(data[0] - 'A') % (sizeof rows / sizeof *rows);
  reply.status = statuses[(size_t)(data[1] - '0') % 6];
  http_reply_set_body (&reply, (const char *)data + 2, size - 2);
  in = json_loads (rows[row].in, 0, NULL);
  FUZZ_CHECK (in);
  b.config = config;
  result = aws_provider.ops[rows[row].op].parse (&b, in, &reply, &out, &err);
  check (out, err, result);
  return 0;
}
