#include "policy.h"

#include <stdlib.h>
#include <string.h>

#include <base/vec.h>

#include "ops.h"

enum use {
  USE_LOOK = 1,     /* always */
  USE_REPAIR = 2,   /* every strategy that changes something */
  USE_RESTORE = 4,  /* older snapshots */
  USE_EVIDENCE = 8, /* console and screenshot */
  USE_RELEASE = 16  /* deletes what is left */
};

/* What rows need (azure_op.right), and what ARM asks for besides.  A PATCH of a
 * VM whose model has network interfaces or identities is checked against the
 * rights to use these; whether a PATCH of the OS disk alone is, too, is a guess
 * on the safe side, which a role without them would refute. */
static const struct {
  const struct azure_op *op;
  const char *right; /* instead */
  unsigned use;
} rights[] = {
    {&azure_op_identify, NULL, USE_LOOK},
    {NULL, "Microsoft.Compute/virtualMachines/read", USE_LOOK},
    {NULL, "Microsoft.Compute/virtualMachines/instanceView/read", USE_LOOK},
    {NULL, "Microsoft.Compute/virtualMachines/vmSizes/read", USE_LOOK},
    {NULL, "Microsoft.Compute/locations/vmSizes/read", USE_LOOK},
    {NULL, "Microsoft.Compute/disks/read", USE_LOOK},
    {&azure_op_preflight, NULL, USE_LOOK},
    /* whether these are all there, before anything is begun */
    {NULL, "Microsoft.Authorization/permissions/read", USE_REPAIR},
    {NULL, "Microsoft.Resources/tags/read", USE_REPAIR},
    {&azure_op_mark, NULL, USE_REPAIR},
    {&azure_op_stop, NULL, USE_REPAIR},
    {&azure_op_start, NULL, USE_REPAIR},
    {&azure_op_disk_from, NULL, USE_REPAIR},
    /* the source of a copy, and what its disk may refer to */
    {NULL, "Microsoft.Compute/disks/beginGetAccess/action", USE_REPAIR},
    {NULL, "Microsoft.Compute/diskEncryptionSets/read", USE_REPAIR},
    {NULL, "Microsoft.Compute/diskAccesses/read", USE_REPAIR},
    {&azure_op_helper_attach, NULL, USE_REPAIR},
    {&azure_op_swap, NULL, USE_REPAIR},
    {NULL, "Microsoft.Network/networkInterfaces/join/action", USE_REPAIR},
    {NULL, "Microsoft.ManagedIdentity/userAssignedIdentities/assign/action",
     USE_REPAIR},
    {NULL, "Microsoft.Compute/locations/operations/read", USE_REPAIR},
    {NULL, "Microsoft.Compute/locations/diskOperations/read", USE_REPAIR},
    /* what a lost reply has made */
    {NULL, "Microsoft.Compute/snapshots/read", USE_REPAIR},
    {&azure_op_snapshots, NULL, USE_RESTORE},
    {NULL, "Microsoft.Compute/snapshots/beginGetAccess/action", USE_RESTORE},
    {&azure_op_snapshot, NULL, USE_RESTORE},
    {&azure_op_delete, NULL, USE_RELEASE},
    {NULL, "Microsoft.Compute/snapshots/delete", USE_RELEASE},
    {&azure_op_diagnostics, NULL, USE_EVIDENCE},
};

static const struct {
  const char *name;
  unsigned use;
} strategies[] = {
    {"plan", USE_LOOK},
    {"swap", USE_LOOK | USE_REPAIR | USE_RELEASE},
    {"restore", USE_LOOK | USE_REPAIR | USE_RESTORE | USE_RELEASE},
};

static int
compare (const void *a, const void *b)
{
  return strcmp (*(const char *const *)a, *(const char *const *)b);
}

static json_t *
actions_of (unsigned use)
{
  const char *names[ARRAY_SIZE (rights)];
  json_t *list = json_array ();
  size_t n = 0;

  for (size_t i = 0; i < ARRAY_SIZE (rights); i++)
    if (rights[i].use & use)
      names[n++] = rights[i].right ? rights[i].right : rights[i].op->right;
  qsort (names, n, sizeof *names, compare);
  for (size_t i = 0; i < n; i++)
    json_array_append_new (list, json_string (names[i]));
  return list;
}

/* To read keys of encrypted disks from a Key Vault.  Whoever has these at the
 * subscription reads every secret in it. */
static json_t *
data_actions (const json_t *options)
{
  static const char vault[] = "Microsoft.KeyVault/vaults/secrets/";
  json_t *list = json_array ();

  if (json_bool (options, "vault", false)) {
    json_array_append_new (list, json_sprintf ("%sgetSecret/action", vault));
    json_array_append_new (list, json_sprintf ("%sreadMetadata/action", vault));
  }
  return list;
}

json_t *
azure_policy (const json_t *options, struct err **err)
{
  const char *name = json_str (options, "strategy", "swap");
  const char *account =
      json_str (options, "account", json_str (options, "subscription", ""));
  CLEANUP_FREE char *scope =
      xasprintf ("/subscriptions/%s", *account ? account : "SUBSCRIPTION-ID");
  unsigned use = 0;

  for (size_t i = 0; i < ARRAY_SIZE (strategies); i++)
    if (strcmp (strategies[i].name, name) == 0)
      use = strategies[i].use;
  if (use == 0) {
    err_set (err, ERR_USAGE,
             "policy: strategy '%s' is none of swap, restore, plan: an OS disk "
             "can't be moved out of an Azure VM",
             name);
    return NULL;
  }
  if (json_bool (options, "evidence", true))
    use |= USE_EVIDENCE;
  return json_make (
      "{s:s,s:b,s:s,s:o,s:[],s:o,s:[],s:[s]}", "Name", "bootmend", "IsCustom",
      1, "Description",
      "What bootmend needs to repair VMs. Assign it at the scope of the "
      "subscription, or of the resource groups of VMs, disks and helpers: "
      "operations can't be followed with rights on a VM alone.",
      "Actions", actions_of (use), "NotActions", "DataActions",
      data_actions (options), "NotDataActions", "AssignableScopes", scope);
}
