/* Can the disks of these VMs be opened again once they are stopped?
 *
 * StartInstances says 200 even if the caller may not use the key of a disk; the
 * instance then falls back to stopped (aws-solutions/instance-scheduler-on-aws
 * #9, #49), and EC2's DryRun does not look at keys.  So each key is asked about
 * before: DescribeKey says whether it is enabled and whether these credentials
 * know it at all; with --aws-kms-check grant a CreateGrant with DryRun says
 * whether they may give it to EC2.  The latter says no, too, where a policy
 * allows grants for AWS resources only (kms:GrantIsForAWSResource), which is
 * usual and fine: so it is not the default.
 *
 * All keys of the encrypted volumes of a VM count, not only that of its OS
 * disk: a start needs each of them. */

#include <string.h>

#include "errors.h"
#include "look-state.h"

static const char *
check_of (const struct binding *b)
{
  return json_str (b->config, "kms-check", "key");
}

/* --- which keys ---------------------------------------------------------- */

static json_t *
encrypted_items (const struct look_at *at)
{
  if (!(look_depth_of (at->in) & DEEP_ALL) ||
      strcmp (check_of (at->b), "none") == 0)
    return NULL;
  return look_texts_at (at->state, "id");
}

static void
encrypted_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *yes = json_make ("[s]", "true");

  aws_form_filter (form, 1, "attachment.instance-id", at->chunk);
  aws_form_filter (form, 2, "encrypted", yes);
  aws_form (form, "500", "MaxResults");
}

static void
put_key (json_t *vm, const json_t *volume)
{
  json_t *facts = look_facts_of (vm);
  json_t *keys = json_list (facts, "keys");

  look_add_once (keys, json_str (volume, "kmsKeyId", ""));
}

static void
encrypted_read (const struct look_at *at, const json_t *root)
{
  CLEANUP_JSON json_t *index = look_index_by (look_vms_of (at->state), "id");
  json_t *volume, *attachment;
  size_t i, j;

  json_array_foreach (json_object_get (root, "volumeSet"), i, volume)
  {
    if (*json_str (volume, "kmsKeyId", "") == '\0')
      continue;
    json_array_foreach (json_object_get (volume, "attachmentSet"), j,
                        attachment)
    {
      look_for_key (at->state, index, json_str (attachment, "instanceId", ""),
                    put_key, volume);
    }
  }
}

static json_t *
keys_of_all (const json_t *state)
{
  json_t *list = json_array (), *vm, *key;
  size_t i, j;

  json_array_foreach (look_vms_of (state), i, vm)
  {
    json_array_foreach (json_at (vm, "facts.keys"), j, key)
    {
      look_add_once (list, json_string_value (key));
    }
  }
  return list;
}

/* Says it of all VMs that need the key of the chunk. */
static void
say (const struct look_at *at, const char *what, const char *text)
{
  const char *key = json_string_value (json_array_get (at->chunk, 0));
  json_t *vm, *own;
  size_t i, j;

  json_array_foreach (look_vms_of (at->state), i, vm)
  {
    json_array_foreach (json_at (vm, "facts.keys"), j, own)
    {
      if (strcmp (json_string_value (own), key) != 0)
        continue;
      json_put_str (look_facts_of (vm), what, text);
      json_put_str (look_facts_of (vm), "key", key);
    }
  }
}

/* --- DescribeKey --------------------------------------------------------- */

static json_t *
key_items (const struct look_at *at)
{
  return keys_of_all (at->state);
}

static void
key_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *body =
      json_make ("{s:O}", "KeyId", json_array_get (at->chunk, 0));
  CLEANUP_FREE char *text = json_text (body);

  strbuf_addstr (form, text);
}

static void
key_read (const struct look_at *at, const json_t *root)
{
  const char *state = json_str (root, "KeyMetadata.KeyState", "Enabled");

  if (strcmp (state, "Enabled") != 0)
    say (at, "key_state", state);
}

static bool
key_failed (const struct look_at *at, const struct http_reply *reply,
            const struct err *err)
{
  CLEANUP_FREE char *code = NULL, *text = NULL;

  if (err->code == ERR_DENIED) {
    say (at, "key_denied", err->msg);
    return true;
  }
  aws_error_parts (reply, &code, &text);
  if (code && strcmp (code, "NotFoundException") == 0) {
    say (at, "key_state", "deleted");
    return true;
  }
  return look_note_unchecked (at, reply, err);
}

/* --- CreateGrant with DryRun --------------------------------------------- */

static json_t *
caller_items (const struct look_at *at)
{
  CLEANUP_JSON json_t *keys = NULL;

  if (strcmp (check_of (at->b), "grant") != 0)
    return NULL;
  keys = keys_of_all (at->state);
  return json_array_size (keys) ? json_make ("[s]", "caller") : NULL;
}

static void
caller_fill (const struct look_at *at, struct strbuf *form)
{
  (void)at;
  (void)form;
}

static void
caller_read (const struct look_at *at, const json_t *root)
{
  json_put_str (at->state, "caller", json_str (root, "Arn", ""));
}

static json_t *
grant_items (const struct look_at *at)
{
  return *json_str (at->state, "caller", "") ? keys_of_all (at->state) : NULL;
}

static void
grant_fill (const struct look_at *at, struct strbuf *form)
{
  CLEANUP_JSON json_t *body =
      json_make ("{s:O,s:s,s:[s,s,s],s:b}", "KeyId",
                 json_array_get (at->chunk, 0), "GranteePrincipal",
                 json_str (at->state, "caller", ""), "Operations", "Decrypt",
                 "DescribeKey", "GenerateDataKeyWithoutPlaintext", "DryRun", 1);
  CLEANUP_FREE char *text = json_text (body);

  strbuf_addstr (form, text);
}

/* A dry run never succeeds. */
static void
grant_read (const struct look_at *at, const json_t *root)
{
  (void)at;
  (void)root;
}

static bool
grant_failed (const struct look_at *at, const struct http_reply *reply,
              const struct err *err)
{
  CLEANUP_FREE char *code = NULL, *text = NULL;

  aws_error_parts (reply, &code, &text);
  if (code && strcmp (code, "DryRunOperationException") == 0)
    return true;
  if (err->code == ERR_DENIED) {
    say (at, "key_denied", err->msg);
    return true;
  }
  return look_note_unchecked (at, reply, err);
}

const struct look_phase look_encrypted =
    {"encrypted",    AWS_DESCRIBE_VOLUMES, FILTER_VALUES,      encrypted_items,
     encrypted_fill, encrypted_read,       look_note_unchecked};
const struct look_phase look_keys = {"keys",    AWS_KMS_DESCRIBE_KEY,
                                     1,         key_items,
                                     key_fill,  key_read,
                                     key_failed};
const struct look_phase look_caller =
    {"caller",    AWS_GET_CALLER_IDENTITY, 1, caller_items, caller_fill,
     caller_read, look_note_unchecked};
const struct look_phase look_grants = {"grants",    AWS_KMS_CREATE_GRANT,
                                       1,           grant_items,
                                       grant_fill,  grant_read,
                                       grant_failed};
