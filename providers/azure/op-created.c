/* What was made by a campaign, or kept for it: disks and snapshots by their
 * tag.
 *
 * All of the subscription are listed, page after page: Compute's lists can't be
 * asked for a tag, and the index of Resource Manager, which can, may be minutes
 * behind.  A copy or snapshot is named as its token.
 *
 *   page {what: "disks" | "snapshots", url: absent at its first page} */

#include <string.h>
#include <strings.h>

#include "ids.h"
#include "ops.h"
#include "record.h"

static const char *
what_of (const json_t *in)
{
  return json_str (in, "page.what", "disks");
}

static int
make_find_created (const struct binding *b, const json_t *in,
                   struct azure_call *call, struct err **err)
{
  const char *link = json_str (in, "page.url", NULL);

  (void)err;
  call->method = "GET";
  call->api = link ? NULL : API_DISK;
  call->path =
      link ? xstrdup (link)
           : xasprintf ("/subscriptions/%s/providers/Microsoft.Compute/%s",
                        b->account, what_of (in));
  return 0;
}

/* Names of tags have no case. */
static const char *
campaign_of (const json_t *thing)
{
  json_t *value;
  const char *key;

  json_object_foreach (json_object_get (thing, "tags"), key, value)
  {
    if (strcasecmp (key, TAG_CAMPAIGN) == 0)
      return json_string_value (value);
  }
  return NULL;
}

static bool
is_kept (const json_t *thing)
{
  json_t *value;
  const char *key;

  json_object_foreach (json_object_get (thing, "tags"), key, value)
  {
    if (strcasecmp (key, TAG_PREFIX "kept-for") == 0)
      return true;
  }
  return false;
}

static void
add_created (const json_t *in, const json_t *thing, json_t *created)
{
  const char *campaign = campaign_of (thing);
  const char *wanted = json_str (in, "campaign", campaign);
  CLEANUP_FREE char *id = azure_disk_id (json_str (thing, "id", ""));
  bool disk = strcmp (what_of (in), "disks") == 0;

  if (campaign == NULL || strcmp (campaign, wanted) != 0)
    return;
  json_array_append_new (created,
                         json_make ("{s:s,s:s,s:s,s:s}", "kind",
                                    disk ? "disk" : "snapshot", "id", id,
                                    "token",
                                    is_kept (thing) ? "" : azure_id_name (id),
                                    "campaign", campaign));
}

static int
read_find_created (const struct binding *b, const json_t *in,
                   const json_t *root, json_t **out, struct err **err)
{
  const char *link = json_str (root, "nextLink", "");
  bool disks = strcmp (what_of (in), "disks") == 0;
  json_t *created = json_array (), *thing;
  size_t i;

  (void)b;
  (void)err;
  json_array_foreach (json_object_get (root, "value"), i, thing)
  {
    add_created (in, thing, created);
  }
  *out = json_make ("{s:o}", "created", created);
  if (*link)
    json_put (*out, "next",
              json_make ("{s:s,s:s}", "what", what_of (in), "url", link));
  else if (disks)
    json_put (*out, "next", json_make ("{s:s}", "what", "snapshots"));
  return 0;
}

const struct azure_op azure_op_find_created = {"disks (list)",
                                               "Microsoft.Compute/disks/read",
                                               .make = make_find_created,
                                               .read = read_find_created};
