/* OP_SNAPSHOTS: the completed snapshots of a volume, of whatever age, that
 * belong to this account.  EC2 gives them in no order; a snapshot names its
 * volume even when that is gone.  Archived ones have to be restored before a
 * volume can be made of them, which takes days. [EBS User Guide, "Archive
 * Amazon EBS snapshots"] */

#include <string.h>

#include "ops.h"
#include "record-fields.h"

int
aws_snapshots_build (const struct binding *b, const json_t *in,
                     struct http_request *req, struct err **err)
{
  const char *id = json_need_str (in, "disk.id", err);
  CLEANUP_JSON json_t *ids = json_make ("[s]", id ? id : "");
  CLEANUP_JSON json_t *completed = json_make ("[s]", "completed");
  CLEANUP_JSON json_t *usable = json_make ("[s]", "standard");
  CLEANUP_STRBUF struct strbuf form = STRBUF_EMPTY;

  if (id == NULL)
    return -1;
  aws_form_filter (&form, 1, "volume-id", ids);
  aws_form_filter (&form, 2, "status", completed);
  aws_form_filter (&form, 3, "storage-tier", usable);
  aws_form (&form, "self", "Owner.1");
  aws_form (&form, "1000", "MaxResults");
  aws_form (&form, json_str (in, "page.token", NULL), "NextToken");
  aws_request (b, AWS_DESCRIBE_SNAPSHOTS, in, &form, req);
  return 0;
}

static json_t *
record_of (const json_t *snapshot)
{
  json_t *item = json_object ();
  int64_t gib = aws_field_number (snapshot, "volumeSize");

  json_put_str (item, "id", json_str (snapshot, "snapshotId", ""));
  json_put_str (item, "created", json_str (snapshot, "startTime", ""));
  if (gib >= 0)
    json_put_int (item, "size_bytes", gib << 30);
  return item;
}

int
aws_snapshots_parse (const struct binding *b, const json_t *in,
                     const struct http_reply *reply, json_t **out,
                     struct err **err)
{
  CLEANUP_JSON json_t *root =
      aws_reply (AWS_DESCRIBE_SNAPSHOTS, in, reply, err);
  const char *token = json_str (root, "nextToken", "");
  json_t *list = json_array (), *item;
  size_t i;

  (void)b;
  json_array_foreach (json_object_get (root, "snapshotSet"), i, item)
  {
    if (json_is_object (item))
      json_array_append_new (list, record_of (item));
  }
  *out = json_make ("{s:o}", "snapshots", list);
  if (root == NULL)
    json_decref (TAKE (*out));
  else if (*token)
    json_put (*out, "next", json_make ("{s:s}", "token", token));
  return root ? 0 : -1;
}
