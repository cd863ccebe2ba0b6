#include "policy.h"

#include <string.h>

#include "methods.h"

static const struct {
  const char *name;
  unsigned use;
} strategies[] = {
    {"plan", USE_LOOK},
    {"move", USE_LOOK | USE_REPAIR},
    {"swap", USE_LOOK | USE_REPAIR | USE_COPY | USE_SWAP},
    {"restore", USE_LOOK | USE_REPAIR | USE_COPY | USE_SWAP},
};

static int
use_of (const json_t *options, unsigned *use, struct err **err)
{
  const char *strategy = json_str (options, "strategy", "move");

  for (size_t i = 0; i < ARRAY_SIZE (strategies); i++)
    if (strcmp (strategies[i].name, strategy) == 0) {
      *use = strategies[i].use;
      if (*use != USE_LOOK && json_bool (options, "snapshot", true))
        *use |= USE_COPY;
      if (json_bool (options, "evidence", true) && *use != USE_LOOK)
        *use |= USE_EVIDENCE;
      return 0;
    }
  return err_set (err, ERR_USAGE, "\"%s\" is no strategy of gcp", strategy);
}

static void
add_permissions (json_t *set, const char *permissions)
{
  CLEANUP_FREE char *copy = xstrdup (permissions);
  char *rest = copy, *one;

  while ((one = strsep (&rest, " ")) != NULL)
    json_put_bool (set, one, true);
}

json_t *
gcp_policy (const json_t *options, struct err **err)
{
  CLEANUP_JSON json_t *set = json_object (), *sorted = NULL;
  CLEANUP_FREE char *text = NULL;
  json_t *list, *value;
  const char *key;
  unsigned use;

  if (use_of (options, &use, err) == -1)
    return NULL;
  for (int i = 0; i < GCP_METHOD_COUNT; i++)
    if (gcp_methods[i].use & use)
      add_permissions (set, gcp_methods[i].permissions);
  text = json_text (set); /* keys sorted */
  sorted = json_parse (text, strlen (text), "permissions", err);
  if (sorted == NULL)
    return NULL;
  list = json_array ();
  json_object_foreach (sorted, key, value)
  {
    json_array_append_new (list, json_string (key));
  }
  return json_make (
      "{s:s,s:s,s:s,s:o}", "title", "bootmend", "description",
      "What bootmend needs to repair VMs. Besides: iam.serviceAccounts.actAs "
      "on the service accounts of the VMs that it starts; and the Compute "
      "Engine service agent must be able to use the keys of their disks.",
      "stage", "GA", "includedPermissions", list);
}
