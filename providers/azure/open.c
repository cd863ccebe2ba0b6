#include "open.h"

#include <stdlib.h>
#include <string.h>

#include <base/files.h>
#include <base/text.h>

#include "clouds.h"
#include "ids.h"

static void
own_config (struct binding *b)
{
  json_t *config = b->config ? json_deep_copy (b->config) : json_object ();

  azure_short_options (config);
  json_decref (b->config);
  b->config = config;
}

static int
check_settle (struct binding *b, struct err **err)
{
  const char *settle = json_str (b->config, "settle", NULL);

  if (settle && (text_parse_duration_ms (settle, &b->settle_ms) == -1 ||
                 b->settle_ms < 1))
    return err_set (err, ERR_USAGE,
                    "--azure-settle: \"%s\" is no time such as 5s", settle);
  return 0;
}

/* Where `az account set` keeps its choice: {"subscriptions": [{"id",
 * "isDefault"}]}, behind a byte order mark. */
static char *
subscription_of_cli (void)
{
  const char *folder = getenv ("AZURE_CONFIG_DIR"), *home = getenv ("HOME");
  CLEANUP_FREE char *path = NULL, *text = NULL;
  CLEANUP_JSON json_t *profile = NULL;
  const char *start;
  json_t *item;
  size_t len, i;

  if (folder && *folder)
    path = path_join (folder, "azureProfile.json");
  else if (home && *home)
    path = xasprintf ("%s/.azure/azureProfile.json", home);
  if (path == NULL || file_read (path, 4 << 20, &text, &len, NULL) == -1)
    return NULL;
  start = strncmp (text, "\xef\xbb\xbf", 3) == 0 ? text + 3 : text;
  profile = json_parse (start, len - (size_t)(start - text), path, NULL);
  json_array_foreach (json_object_get (profile, "subscriptions"), i, item)
  {
    if (json_bool (item, "isDefault", false))
      return xstrdup (json_str (item, "id", ""));
  }
  return NULL;
}

int
azure_open (struct binding *b, struct err **err)
{
  const char *named = getenv ("AZURE_SUBSCRIPTION_ID");
  CLEANUP_FREE char *found = NULL, *id = NULL;

  own_config (b);
  if (azure_add_cloud (b->config, err) == -1 || check_settle (b, err) == -1)
    return -1;
  named = json_str (b->config, "subscription", named);
  if (named == NULL || *named == '\0') {
    found = subscription_of_cli ();
    named = found;
  }
  if (named == NULL || *named == '\0')
    return err_set (err, ERR_USAGE,
                    "no subscription: give --azure-subscription or VMs by "
                    "their resource ids, set AZURE_SUBSCRIPTION_ID, or choose "
                    "one with az account set");
  id = azure_vm_id (named);
  if (!azure_is_name (id, strlen (id)))
    return err_set (err, ERR_USAGE, "\"%s\" is no id of a subscription", named);
  json_put_str (b->config, "subscription", id);
  free (b->account);
  b->account = TAKE (id);
  free (b->region);
  b->region = xstrdup ("");
  return 0;
}
