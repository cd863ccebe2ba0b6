#include "region.h"

#include <stdlib.h>
#include <string.h>

#include <base/text.h>

#include "credentials.h"
#include "endpoint.h"

static const char *const options[] = {"profile",   "region",         "endpoint",
                                      "kms-check", "check-shutdown", "settle"};

/* AWS_ENDPOINT_URL_EC2 is for EC2 alone, AWS_ENDPOINT_URL for all services, as
 * in the AWS CLI; here one endpoint is for all. */
static void
add_endpoint (json_t *config)
{
  const char *url = getenv ("AWS_ENDPOINT_URL");

  if (json_object_get (config, "endpoint") == NULL && url && *url)
    json_put_str (config, "endpoint", url);
  url = json_str (config, "endpoint", NULL);
  if (url && json_object_get (config, "sts-endpoint") == NULL)
    json_put_str (config, "sts-endpoint", url);
}

static void
own_config (struct binding *b)
{
  json_t *config = b->config ? json_deep_copy (b->config) : json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (options); i++) {
    CLEANUP_FREE char *name = xasprintf ("aws-%s", options[i]);
    json_t *value = json_object_get (config, name);

    if (value && json_object_get (config, options[i]) == NULL)
      json_object_set (config, options[i], value);
  }
  add_endpoint (config);
  json_decref (b->config);
  b->config = config;
}

/* What credentials are fetched with and what EC2 is called with trust the same:
 * --ca-file, else AWS_CA_BUNDLE, else the profile's ca_bundle. */
static void
add_ca_file (struct binding *b)
{
  CLEANUP_FREE char *file = aws_ca_file (b);

  if (file)
    json_put_str (b->config, "ca-file", file);
}

static int
check_options (struct binding *b, struct err **err)
{
  static const char *const checks[] = {"key", "grant", "none"};
  const char *settle = json_str (b->config, "settle", NULL);
  const char *check = json_str (b->config, "kms-check", "key");
  const char *url = json_str (b->config, "endpoint", "https://x");

  if (strncmp (url, "https://", 8) != 0 && strncmp (url, "http://", 7) != 0)
    return err_set (err, ERR_USAGE, "--aws-endpoint: \"%s\" is no URL", url);
  if (settle && (text_parse_duration_ms (settle, &b->settle_ms) == -1 ||
                 b->settle_ms < 1))
    return err_set (err, ERR_USAGE,
                    "--aws-settle: \"%s\" is no time such as 15s", settle);
  for (size_t i = 0; i < ARRAY_SIZE (checks); i++)
    if (strcmp (check, checks[i]) == 0)
      return 0;
  return err_set (err, ERR_USAGE,
                  "--aws-kms-check: \"%s\" is none of key, grant, none", check);
}

/* "eu-west-1a": a zone has a letter at its end. */
static bool
is_zone (const char *region)
{
  size_t len = strlen (region);

  return len > 2 && region[len - 1] >= 'a' && region[len - 1] <= 'z' &&
         region[len - 2] >= '0' && region[len - 2] <= '9';
}

int
aws_open (struct binding *b, struct err **err)
{
  char *region;

  own_config (b);
  add_ca_file (b);
  if (check_options (b, err) == -1)
    return -1;
  region = aws_region (b, err);
  if (region == NULL)
    return -1;
  free (b->region);
  b->region = region;
  if (is_zone (region))
    return err_set (err, ERR_USAGE, "\"%s\" is a zone; its region is \"%.*s\"",
                    region, (int)strlen (region) - 1, region);
  return 0;
}
