/* The configuration of the fake AWS: accounts, keys, roles, regions, times.
 * README.md describes it; instances and volumes are in aws-fleet.c. */

#include "aws.h"

#include <stdio.h>
#include <string.h>

static const char *const aws_keys[] = {"accounts",    "regions", "instances",
                                       "volumes",     "times",   "auth",
                                       "groups",      "imds",    "sparse_pages",
                                       "no_capacity", NULL};

/* Times in ms, all of them choices but for the spacing of snapshots. */
static const struct fake_time usual_times[] = {{"start", 3000},
                                               {"stop", 5000},
                                               {"stop_unhealthy", 20000},
                                               {"stop_forced", 4000},
                                               {"terminate", 5000},
                                               {"attach", 2000},
                                               {"detach", 2000},
                                               {"snapshot", 6000},
                                               {"create_volume", 2000},
                                               {"delete_volume", 1000},
                                               {"replace_root", 20000},
                                               {"replace_root_begin", 1000},
                                               {"status_ok", 30000},
                                               {"status_impaired", 120000},
                                               {"console", 60000},
                                               {"crash_period", 15000},
                                               {"group_grace", 60000},
                                               {"snapshot_spacing", 15000},
                                               {NULL, 0}};

static int
load_key (struct fake_cloud *cloud, const char *account, const json_t *key,
          struct err **err)
{
  static const char *const keys[] = {"id",   "secret", "arn",
                                     "deny", "allow",  NULL};
  const char *id = json_need_str (key, "id", err);
  const char *secret = id ? json_need_str (key, "secret", err) : NULL;
  CLEANUP_FREE char *arn = NULL;

  if (secret == NULL || fake_check_keys (key, keys, "key", err) < 0)
    return -1;
  arn = xasprintf ("arn:aws:iam::%s:user/operator", account);
  fake_object_add (cloud, "access-key", id, "", account, "",
                   json_make ("{s:s,s:s,s:s,s:O*,s:O*}", "accessKeyId", id,
                              "arn", json_str (key, "arn", arn), "_secret",
                              secret, "_deny", json_object_get (key, "deny"),
                              "_allow", json_object_get (key, "allow")));
  return 0;
}

static int
load_role (struct fake_cloud *cloud, const char *account, const json_t *role,
           struct err **err)
{
  static const struct {
    const char *name, *kept;
  } members[] = {
      {"trust", "_trust"},
      {"external_id", "_externalId"},
      {"mfa", "_mfa"},
      {"max_seconds", "_maxSeconds"},
      {"web_tokens", "_webTokens"},
      {"expired_web_tokens", "_expiredWebTokens"},
      {"deny", "_deny"},
      {"allow", "_allow"},
  };
  const char *keys[ARRAY_SIZE (members) + 2] = {"arn"};
  const char *arn = json_need_str (role, "arn", err);
  json_t *body = json_object ();

  for (size_t i = 0; i < ARRAY_SIZE (members); i++) {
    keys[i + 1] = members[i].name;
    if (json_object_get (role, members[i].name))
      json_object_set (body, members[i].kept,
                       json_object_get (role, members[i].name));
  }
  if (arn == NULL || fake_check_keys (role, keys, "role", err) < 0) {
    json_decref (body);
    return -1;
  }
  json_put_str (body, "arn", arn);
  fake_object_add (cloud, "role", arn, "", account, "", body);
  return 0;
}

/* {"ID": {"keys": [..], "roles": [..]}} */
static int
load_accounts (struct fake_cloud *cloud, const json_t *config, struct err **err)
{
  static const char *const keys[] = {"keys", "roles", NULL};
  const json_t *accounts = json_need_object (config, "accounts", err);
  const char *id;
  json_t *account, *item;
  size_t i;

  if (accounts == NULL)
    return -1;
  json_object_foreach ((json_t *)accounts, id, account)
  {
    if (fake_check_keys (account, keys, "account", err) < 0)
      return -1;
    json_array_foreach (json_object_get (account, "keys"), i, item)
    {
      if (load_key (cloud, id, item, err) < 0)
        return err_wrap (err, "account %s", id);
    }
    json_array_foreach (json_object_get (account, "roles"), i, item)
    {
      if (load_role (cloud, id, item, err) < 0)
        return err_wrap (err, "account %s", id);
    }
  }
  return 0;
}

bool
aws_zone_exists (const struct fake_cloud *cloud, const char *region,
                 const char *zone)
{
  CLEANUP_FREE char *path = xasprintf ("aws.regions.%s.zones", region);
  const json_t *zones = fake_config (cloud, path);

  for (size_t i = 0; i < json_array_size (zones); i++)
    if (strcmp (json_string_value (json_array_get (zones, i)), zone) == 0)
      return true;
  return false;
}

int
aws_load (struct fake_cloud *cloud, const json_t *config, struct err **err)
{
  const char *auth = json_str (config, "auth", "sigv4");

  if (fake_check_keys (config, aws_keys, "configuration", err) < 0)
    return -1;
  if (strcmp (auth, "sigv4") != 0 && strcmp (auth, "trusted") != 0)
    return err_set (err, ERR_INPUT, "auth is neither sigv4 nor trusted");
  if (json_need_object (config, "regions", err) == NULL ||
      fake_load_times (cloud, "aws", usual_times, config, err) < 0 ||
      load_accounts (cloud, config, err) < 0)
    return -1;
  return aws_load_fleet (cloud, config, err);
}
