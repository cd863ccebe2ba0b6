/* The configuration of the fake Compute Engine: projects, zones, who may call,
 * times.  README.md describes it; instances and disks are in gce-fleet.c. */

#include "gce.h"

#include <string.h>

#include <base/files.h>

static const char *const gce_keys[] = {"auth",
                                       "projects",
                                       "zones",
                                       "tokens",
                                       "service_accounts",
                                       "users",
                                       "workload",
                                       "metadata",
                                       "instances",
                                       "disks",
                                       "groups",
                                       "times",
                                       "unreachable",
                                       "concurrent_operations",
                                       "late_refusals",
                                       "wait_early",
                                       "stale_gets",
                                       "token_seconds",
                                       NULL};

/* Times in ms, all of them choices but for the spacing of snapshots. */
static const struct fake_time usual_times[] =
    {{"start", 6000},
     {"stop", 5000},
     {"stop_unhealthy", 30000}, /* up to 90 s: a guest that does not answer */
     {"attach", 2500},
     {"detach", 2500},
     {"snapshot", 8000},
     {"create_disk", 4000},
     {"delete_disk", 1500},
     {"delete", 5000},
     {"reset", 2000},
     {"set", 1000},
     {"refuse", 500},
     {"guest", 25000},
     {"crash_period", 15000},
     {"group_grace", 60000},
     {"snapshot_spacing", 600000},
     {NULL, 0}};

/* ---- who calls ---- */

static const struct fake_kept principal_kept[] = {
    {"allow", "_allow"},
    {"deny", "_deny"},
    {"projects", "_projects"},
    {"disabled", "_disabled"},
    {"impersonated_by", "_impersonatedBy"},
    {"token_seconds", "_tokenSeconds"},
    {"key_id", "_keyId"},
    {"key_file", "_keyFile"},
    {"refresh_token", "_refreshToken"},
    {"client_id", "_clientId"},
    {"client_secret", "_clientSecret"},
    {"audience", "_audience"},
    {"subject_tokens", "_subjectTokens"},
    {"expired_subject_tokens", "_expiredSubjectTokens"},
    {NULL},
};

/* The same members for each; which of them makes sense depends on its kind. */
static int
add_principal (struct fake_cloud *cloud, const json_t *spec, const char *type,
               const char *mail, struct err **err)
{
  const char *keys[ARRAY_SIZE (principal_kept) + 5] = {"email", "principal",
                                                       "token", "scopes"};
  json_t *body;

  for (size_t i = 0; principal_kept[i].name; i++)
    keys[4 + i] = principal_kept[i].name;
  if (fake_check_keys (spec, keys, type, err) < 0)
    return -1;
  if (fake_object_find (cloud, "principal", mail, NULL, NULL))
    return 0;
  body = json_make ("{s:s,s:s}", "email", mail, "_type", type);
  fake_keep (spec, body, principal_kept);
  fake_object_add (cloud, "principal", mail, "", "", "", body);
  return 0;
}

static int
add_token (struct fake_cloud *cloud, const json_t *spec, struct err **err)
{
  const char *text = json_need_str (spec, "token", err);
  const char *mail = json_str (spec, "email", "operator@example.com");
  json_t *body;

  if (text == NULL || add_principal (cloud, spec, "token", mail, err) < 0)
    return -1;
  body = json_make ("{s:s}", "_principal", mail);
  if (json_object_get (spec, "token_seconds"))
    json_put_int (body, "_expiresMs",
                  fake_client_time_ms (cloud) +
                      json_int (spec, "token_seconds", 0) * 1000);
  if (json_object_get (spec, "scopes"))
    json_object_set (body, "_scopes", json_object_get (spec, "scopes"));
  fake_object_add (cloud, "token", text, "", "", "", body);
  return 0;
}

static int
load_principals (struct fake_cloud *cloud, const json_t *config,
                 struct err **err)
{
  static const struct {
    const char *list, *type, *name;
  } kinds[] = {{"service_accounts", "service-account", "email"},
               {"users", "user", "email"},
               {"workload", "workload", "principal"}};
  json_t *spec;
  size_t i;

  for (size_t k = 0; k < ARRAY_SIZE (kinds); k++)
    json_array_foreach (json_object_get (config, kinds[k].list), i, spec)
    {
      const char *mail = json_need_str (spec, kinds[k].name, err);

      if (mail == NULL ||
          add_principal (cloud, spec, kinds[k].type, mail, err) < 0)
        return err_wrap (err, "%s[%zu]", kinds[k].list, i);
    }
  json_array_foreach (json_object_get (config, "tokens"), i, spec)
  {
    if (add_token (cloud, spec, err) < 0)
      return err_wrap (err, "tokens[%zu]", i);
  }
  return 0;
}

const char *
gce_first_project (const struct fake_cloud *cloud)
{
  return json_object_iter_key (
      json_object_iter ((json_t *)fake_config (cloud, "gcp.projects")));
}

int
gce_load (struct fake_cloud *cloud, const json_t *config, struct err **err)
{
  const char *auth = json_str (config, "auth", "tokens");

  if (fake_check_keys (config, gce_keys, "configuration", err) < 0)
    return -1;
  if (strcmp (auth, "tokens") != 0 && strcmp (auth, "trusted") != 0)
    return err_set (err, ERR_INPUT, "auth is neither tokens nor trusted");
  if (json_need_object (config, "projects", err) == NULL ||
      json_need_array (config, "zones", err) == NULL ||
      fake_load_times (cloud, "gcp", usual_times, config, err) < 0 ||
      load_principals (cloud, config, err) < 0)
    return -1;
  return gce_load_fleet (cloud, config, err);
}
