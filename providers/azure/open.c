#include "open.h"

#include <stdlib.h>
#include <string.h>

#include <base/files.h>
#include <base/text.h>

#include "ids.h"

static const char *const options[] = {"subscription", "cloud",     "endpoint",
                                      "tenant",       "client-id", "credential",
                                      "settle"};

/* [learn.microsoft.com "National clouds"; @azure/identity constants] */
static const struct cloud {
  const char *name, *endpoint, *authority, *vault;
} clouds[] = {
    {"public", "https://management.azure.com",
     "https://login.microsoftonline.com", "https://vault.azure.net"},
    {"usgov", "https://management.usgovcloudapi.net",
     "https://login.microsoftonline.us", "https://vault.usgovcloudapi.net"},
    {"china", "https://management.chinacloudapi.cn",
     "https://login.chinacloudapi.cn", "https://vault.azure.cn"},
};

static void
own_config (struct binding *b)
{
  json_t *config = b->config ? json_deep_copy (b->config) : json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (options); i++) {
    CLEANUP_FREE char *name = xasprintf ("azure-%s", options[i]);
    json_t *value = json_object_get (config, name);

    if (value && json_object_get (config, options[i]) == NULL)
      json_object_set (config, options[i], value);
  }
  json_decref (b->config);
  b->config = config;
}

static void
put_url (json_t *config, const char *key, const char *url)
{
  size_t len = strlen (url);
  CLEANUP_FREE char *plain = NULL;

  while (len && url[len - 1] == '/')
    len--;
  plain = xstrndup (url, len);
  json_put_str (config, key, plain);
}

static int
add_cloud (json_t *config, struct err **err)
{
  const char *name = json_str (config, "cloud", "public");
  const char *authority = getenv ("AZURE_AUTHORITY_HOST");
  const struct cloud *cloud = NULL;

  for (size_t i = 0; i < ARRAY_SIZE (clouds); i++)
    if (strcmp (clouds[i].name, name) == 0)
      cloud = &clouds[i];
  if (cloud == NULL)
    return err_set (err, ERR_USAGE,
                    "--azure-cloud: \"%s\" is none of public, usgov, china",
                    name);
  put_url (config, "endpoint", json_str (config, "endpoint", cloud->endpoint));
  put_url (config, "authority",
           json_str (config, "authority",
                     authority && *authority ? authority : cloud->authority));
  json_put_str (config, "resource", cloud->endpoint);
  json_put_str (config, "vault-resource", cloud->vault);
  if (strstr (json_str (config, "endpoint", ""), "://") == NULL)
    return err_set (err, ERR_USAGE, "--azure-endpoint: \"%s\" is no URL",
                    json_str (config, "endpoint", ""));
  return 0;
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
  if (add_cloud (b->config, err) == -1 || check_settle (b, err) == -1)
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
