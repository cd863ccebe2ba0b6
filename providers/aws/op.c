/* How every row with one request is built and read, and who we are. */

#include <string.h>

#include "errors.h"
#include "ops.h"

int
aws_op_build (const struct aws_op *op, const struct binding *b,
              const json_t *in, struct http_request *req, struct err **err)
{
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;

  if (op->fill && op->fill (b, in, &form, err) == -1)
    return -1;
  aws_request (b, op->action, in, &form, req);
  return 0;
}

static bool
is_done (const struct aws_op *op, const struct http_reply *reply)
{
  CLEANUP_FREE char *code = NULL, *text = NULL;

  if (op->done_code == NULL || reply->status < 400)
    return false;
  aws_error_parts (reply, &code, &text);
  return code && strcmp (code, op->done_code) == 0;
}

int
aws_op_parse (const struct aws_op *op, const json_t *in,
              const struct http_reply *reply, json_t **out, struct err **err)
{
  CLEANUP_JSON json_t *root = NULL;

  if (is_done (op, reply)) {
    *out = json_object ();
    return 0;
  }
  if (op->batch && (reply->status < 200 || reply->status > 299))
    return aws_batch_failed (&aws_actions[op->action], in, reply, out, err);
  root = aws_reply (op->action, in, reply, err);
  if (root == NULL)
    return -1;
  if (op->read && !json_bool (in, "dry_run", false))
    return op->read (in, root, out, err);
  *out = op->batch ? json_make ("{s:[]}", "failed") : json_object ();
  return 0;
}

static int
read_identity (const json_t *in, const json_t *root, json_t **out,
               struct err **err)
{
  const char *account = json_str (root, "Account", "");

  (void)in;
  if (*account == '\0')
    return err_set (err, ERR_PROTOCOL, "GetCallerIdentity names no account");
  *out = json_make ("{s:s,s:s}", "account", account, "arn",
                    json_str (root, "Arn", ""));
  return 0;
}

const struct aws_op aws_op_identify = {AWS_GET_CALLER_IDENTITY,
                                       .read = read_identity};
