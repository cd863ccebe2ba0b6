/* OP_PREFLIGHT: what EC2 tells of one VM a call.
 *
 * Stop protection always; with --aws-check-shutdown also what a shutdown from
 * inside does, which is a second call for each VM: a guest that switches itself
 * off (a recovery console does) may be set to be terminated by that.
 * in.page: {"attribute", "vm"} of the second. */

#include <string.h>

#include <providers/vm.h>

#include "ops.h"

#define STOP     "disableApiStop"
#define SHUTDOWN "instanceInitiatedShutdownBehavior"

static const char *
attribute_of (const json_t *in)
{
  return json_str (in, "page.attribute", STOP);
}

static const json_t *
vm_of (const json_t *in)
{
  const json_t *vm = json_at (in, "page.vm");

  return vm ? vm : json_object_get (in, "vm");
}

int
aws_preflight_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  aws_form (&form, id, "InstanceId");
  aws_form (&form, attribute_of (in), "Attribute");
  aws_request (b, AWS_DESCRIBE_INSTANCE_ATTRIBUTE, in, &form, req);
  return 0;
}

static void
judge (json_t *vm, const char *attribute, const char *value)
{
  const char *id = json_str (vm, "id", "?");

  if (strcmp (attribute, STOP) == 0 && strcmp (value, "true") == 0)
    vm_add_refusal (vm, "stop-protection", false,
                    "it is protected from being stopped: take that off with "
                    "aws ec2 modify-instance-attribute --instance-id %s "
                    "--no-disable-api-stop",
                    id);
  if (strcmp (attribute, SHUTDOWN) == 0 && strcmp (value, "terminate") == 0)
    vm_add_refusal (vm, "shutdown-terminates", true,
                    "it is terminated if its guest switches itself off: set "
                    "aws ec2 modify-instance-attribute --instance-id %s "
                    "--instance-initiated-shutdown-behavior stop",
                    id);
}

int
aws_preflight_parse (const struct binding *b, const json_t *in,
                     const struct http_reply *reply, json_t **out,
                     struct err **err)
{
  const char *attribute = attribute_of (in);
  CLEANUP_JSON json_t *root =
      aws_reply (AWS_DESCRIBE_INSTANCE_ATTRIBUTE, in, reply, err);
  CLEANUP_FREE char *path = xasprintf ("%s.value", attribute);
  CLEANUP_JSON json_t *vm = NULL;

  if (root == NULL)
    return -1;
  vm = json_deep_copy (vm_of (in));
  judge (vm, attribute, json_str (root, path, "false"));
  if (strcmp (attribute, STOP) == 0 &&
      json_bool (b->config, "check-shutdown", false))
    *out = json_make ("{s:{s:s,s:O}}", "next", "attribute", SHUTDOWN, "vm", vm);
  else
    *out = json_make ("{s:O}", "vm", vm);
  return 0;
}
