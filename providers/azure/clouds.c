#include "clouds.h"

#include <stdlib.h>
#include <string.h>
#include <strings.h>

static const char *const options[] = {"subscription", "cloud",     "endpoint",
                                      "tenant",       "client-id", "credential",
                                      "settle"};

/* [learn.microsoft.com "National clouds"; @azure/identity constants] */
static const struct azure_cloud clouds[] = {
    {"public", "https://management.azure.com",
     "https://login.microsoftonline.com", "https://vault.azure.net"},
    {"usgov", "https://management.usgovcloudapi.net",
     "https://login.microsoftonline.us", "https://vault.usgovcloudapi.net"},
    {"china", "https://management.chinacloudapi.cn",
     "https://login.chinacloudapi.cn", "https://vault.azure.cn"},
};

const struct azure_cloud *
azure_cloud_by_name (const char *name, struct err **err)
{
  for (size_t i = 0; i < ARRAY_SIZE (clouds); i++)
    if (strcmp (clouds[i].name, name) == 0)
      return &clouds[i];
  err_set (err, ERR_USAGE,
           "--azure-cloud: \"%s\" is none of public, usgov, china", name);
  return NULL;
}

const struct azure_cloud *
azure_cloud_of_vault (const char *host)
{
  size_t len = strlen (host);

  for (size_t i = 0; i < ARRAY_SIZE (clouds); i++) {
    const char *domain = clouds[i].vault + strlen ("https://");
    size_t end = strlen (domain);

    if (len > end + 1 && host[len - end - 1] == '.' &&
        strcasecmp (host + len - end, domain) == 0)
      return &clouds[i];
  }
  return NULL;
}

void
azure_short_options (json_t *config)
{
  for (size_t i = 0; i < ARRAY_SIZE (options); i++) {
    CLEANUP_FREE char *name = xasprintf ("azure-%s", options[i]);
    json_t *value = json_object_get (config, name);

    if (value && json_object_get (config, options[i]) == NULL)
      json_object_set (config, options[i], value);
  }
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

int
azure_add_cloud (json_t *config, struct err **err)
{
  const char *name = json_str (config, "cloud", "public");
  const char *authority = getenv ("AZURE_AUTHORITY_HOST");
  const struct azure_cloud *cloud = azure_cloud_by_name (name, err);

  if (cloud == NULL)
    return -1;
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
