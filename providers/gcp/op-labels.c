/* Marks on VMs, and labels of disks that wait for their release.
 *
 * Labels are replaced as a whole, and only with the fingerprint of those that
 * are there now: each of these reads first, then writes what was read with our
 * change.  If somebody else wrote in between, Compute says so (412), and the
 * step looks again.  That makes a mark a lock.
 *
 *   in.page  {labels: what to write, fingerprint} of the second request */

#include <string.h>

#include "call.h"
#include "names.h"
#include "ops.h"
#include "record.h"

enum change {
  PUT_MARK,
  TAKE_MARK,
  KEEP
};

struct target {
  const char *id;
  enum gcp_method get, set;
};

static int
target_of (const json_t *in, enum change change, struct target *target,
           struct err **err)
{
  const json_t *vms = json_object_get (in, "vms");

  if (change == KEEP) {
    target->id = gcp_need_id (in, "disk.id", "disks", err);
    if (target->id == NULL)
      return -1;
    target->get = gcp_for_disk (target->id, GCP_DISK_GET, GCP_REGION_DISK_GET);
    target->set = gcp_for_disk (target->id, GCP_SET_DISK_LABELS,
                                GCP_SET_REGION_DISK_LABELS);
    return 0;
  }
  if (json_array_size (vms) != 1)
    return err_set (err, ERR_INTERNAL, "%zu VMs in one call, Compute takes one",
                    json_array_size (vms));
  target->id = gcp_need_id (json_array_get (vms, 0), "id", "instances", err);
  target->get = GCP_INSTANCE_GET;
  target->set = GCP_SET_INSTANCE_LABELS;
  return target->id ? 0 : -1;
}

static int
build (const struct binding *b, const json_t *in, enum change change,
       struct http_request *req, struct err **err)
{
  const json_t *page = json_object_get (in, "page");
  struct target target = {0};
  CLEANUP_JSON json_t *body = NULL;

  if (target_of (in, change, &target, err) == -1)
    return -1;
  if (page)
    body = json_make ("{s:O,s:s}", "labels", json_object_get (page, "labels"),
                      "labelFingerprint", json_str (page, "fingerprint", ""));
  if (json_bool (in, "dry_run", false))
    page = in; /* only the second one needs a permission to change anything */
  gcp_request (b, page ? target.set : target.get, target.id, NULL, body, in,
               req);
  return 0;
}

/* A mark of somebody else stays, unless it may be written over. */
static int
check_owner (const json_t *in, const json_t *labels, struct err **err)
{
  CLEANUP_JSON json_t *mark = gcp_mark_of (labels);
  const char *there = json_str (mark, "campaign", "");
  CLEANUP_FREE char *ours = gcp_label_of (json_str (in, "mark.campaign", ""));
  CLEANUP_FREE char *other = gcp_label_of (json_str (in, "replaces", ""));

  if (mark == NULL || strcmp (there, ours) == 0 ||
      (*other && strcmp (there, other) == 0))
    return 0;
  return err_set (err, ERR_CONFLICT, "campaign %s marked it meanwhile", there);
}

static json_t *
kept_labels (const json_t *in, const json_t *labels)
{
  json_t *made = json_deep_copy (labels), *value;
  bool keep = json_bool (in, "keep", true);
  const char *key;

  json_object_foreach (json_object_get (in, "tags"), key, value)
  {
    CLEANUP_FREE char *text = gcp_label_of (json_string_value (value) ?: "");

    /* Taken off with its value: another campaign's stays. */
    if (keep)
      json_put_str (made, key, text);
    else if (strcmp (json_str (made, key, ""), text) == 0)
      json_object_del (made, key);
  }
  return made;
}

static json_t *
changed (const json_t *in, enum change change, const json_t *labels,
         struct err **err)
{
  json_t *made;

  if (change == KEEP)
    return kept_labels (in, labels);
  if (check_owner (in, labels, err) == -1) {
    /* Not ours to take away: done. */
    if (change == PUT_MARK)
      return NULL;
    err_free (TAKE (*err));
    return json_deep_copy (labels);
  }
  made = gcp_own_labels (labels);
  if (change == PUT_MARK)
    gcp_put_mark (made, json_object_get (in, "mark"));
  return made;
}

static int
parse (const json_t *in, enum change change, const struct http_reply *reply,
       json_t **out, struct err **err)
{
  struct target target = {0};
  CLEANUP_JSON json_t *root = NULL, *none = json_object (), *made = NULL;
  const json_t *labels;
  CLEANUP_ERR struct err *why = NULL;
  bool second = json_object_get (in, "page") != NULL;

  if (target_of (in, change, &target, err) == -1)
    return -1;
  if (json_bool (in, "dry_run", false))
    return gcp_accepted (target.set, in, reply, out, err);
  root = gcp_reply (second ? target.set : target.get, reply, err);
  if (root == NULL)
    return -1;
  *out = json_object ();
  if (change != KEEP)
    json_put (*out, "failed", json_array ());
  if (second)
    return 0;
  labels = json_object_get (root, "labels") ?: none;
  made = changed (in, change, labels, &why);
  if (made == NULL) {
    json_decref (TAKE (*out));
    return err_move (err, TAKE (why));
  }
  if (!json_equal (made, (json_t *)labels))
    json_put (*out, "next",
              json_make ("{s:O,s:s}", "labels", made, "fingerprint",
                         json_str (root, "labelFingerprint", "")));
  return 0;
}

#define LABELS(row, change)                                                    \
  int gcp_##row##_build (const struct binding *b, const json_t *in,            \
                         struct http_request *req, struct err **err)           \
  {                                                                            \
    return build (b, in, change, req, err);                                    \
  }                                                                            \
  int gcp_##row##_parse (const struct binding *b, const json_t *in,            \
                         const struct http_reply *reply, json_t **out,         \
                         struct err **err)                                     \
  {                                                                            \
    (void)b;                                                                   \
    return parse (in, change, reply, out, err);                                \
  }                                                                            \
  struct unused_##row /* takes the semicolon */

LABELS (mark, PUT_MARK);
LABELS (unmark, TAKE_MARK);
LABELS (keep, KEEP);
