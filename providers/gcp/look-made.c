/* What campaigns made or keep: OP_FIND_CREATED.  Disks first, then snapshots:
 * page {snapshots, token}. */

#include <string.h>

#include "call.h"
#include "names.h"
#include "ops.h"

/* By the label that both have; without a campaign, those of all campaigns. */
int
gcp_find_created_build (const struct binding *b, const json_t *in,
                        struct http_request *req, struct err **err)
{
  const char *campaign = json_str (in, "campaign", NULL);
  bool second = json_bool (in, "page.snapshots", false);
  const char *token = json_str (in, "page.token", "");
  CLEANUP_STRBUF struct strbuf query = STRBUF_EMPTY;
  CLEANUP_FREE char *value = gcp_label_of (campaign ? campaign : "");
  CLEANUP_FREE char *filter =
      campaign ? xasprintf ("labels." LABEL_CAMPAIGN "=\"%s\"", value)
               : xstrdup ("labels." LABEL_CAMPAIGN ":*");

  (void)err;
  http_form_add (&query, "maxResults", "500");
  http_form_add (&query, "filter", filter);
  if (*token)
    http_form_add (&query, "pageToken", token);
  gcp_request (b, second ? GCP_SNAPSHOTS_LIST : GCP_DISKS_LIST,
               second ? "global/snapshots" : "aggregated/disks", &query, NULL,
               in, req);
  return 0;
}

/* The token is in the description, which takes any text; a disk without one was
 * not made by us, but is kept for a VM whose place a copy has taken. */
static void
add_created (json_t *list, const char *kind, const json_t *item)
{
  static const char mark[] = "bootmend: ";
  const char *text = json_str (item, "description", "");
  const char *campaign = json_string_value (
      json_object_get (json_object_get (item, "labels"), LABEL_CAMPAIGN));
  const char *token =
      strncmp (text, mark, sizeof mark - 1) == 0 ? text + sizeof mark - 1 : "";

  json_array_append_new (list,
                         json_make ("{s:s,s:s,s:s,s:s}", "kind", kind, "id",
                                    gcp_id_of (json_str (item, "selfLink", "")),
                                    "token", token, "campaign",
                                    campaign ? campaign : ""));
}

static json_t *
created_in (const json_t *root, bool snapshots)
{
  json_t *list = json_array (), *scope, *item;
  const json_t *items = json_object_get (root, "items");
  const char *name;
  size_t i;

  if (snapshots) {
    json_array_foreach ((json_t *)items, i, item)
    {
      add_created (list, "snapshot", item);
    }
    return list;
  }
  json_object_foreach ((json_t *)items, name, scope)
  {
    json_array_foreach (json_object_get (scope, "disks"), i, item)
    {
      add_created (list, "disk", item);
    }
  }
  return list;
}

int
gcp_find_created_parse (const struct binding *b, const json_t *in,
                        const struct http_reply *reply, json_t **out,
                        struct err **err)
{
  bool second = json_bool (in, "page.snapshots", false);
  CLEANUP_JSON json_t *root =
      gcp_reply (second ? GCP_SNAPSHOTS_LIST : GCP_DISKS_LIST, reply, err);
  const char *token = json_str (root, "nextPageToken", "");

  (void)b;
  if (root == NULL)
    return -1;
  *out = json_make ("{s:o}", "created", created_in (root, second));
  if (*token || !second)
    json_put (*out, "next",
              json_make ("{s:b,s:s}", "snapshots", second || !*token, "token",
                         token));
  return 0;
}
