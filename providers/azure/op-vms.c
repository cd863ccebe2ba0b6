/* Rows about a VM: who we are, power, marks, locks. */

#include <string.h>
#include <strings.h>

#include <providers/vm.h>

#include "ids.h"
#include "ops.h"
#include "record.h"
#include "refusals.h"

const struct azure_op *const azure_ops[] = {&azure_op_identify,
                                            &azure_op_stop,
                                            &azure_op_start,
                                            &azure_op_mark,
                                            &azure_op_unmark,
                                            &azure_op_keep,
                                            &azure_op_helper_attach,
                                            &azure_op_helper_detach,
                                            &azure_op_disk_from,
                                            &azure_op_snapshot,
                                            &azure_op_swap,
                                            &azure_op_delete,
                                            &azure_op_snapshots,
                                            &azure_op_preflight,
                                            &azure_op_diagnostics,
                                            &azure_op_find_created,
                                            NULL};

static int
make_identify (const struct binding *b, const json_t *in,
               struct azure_call *call, struct err **err)
{
  (void)in;
  (void)err;
  call->method = "GET";
  call->api = API_SUBSCRIPTIONS;
  call->path = xasprintf ("/subscriptions/%s", b->account);
  return 0;
}

static int
read_identity (const struct binding *b, const json_t *in, const json_t *root,
               json_t **out, struct err **err)
{
  const char *id = json_str (root, "subscriptionId", "");
  const char *state = json_str (root, "state", "Enabled");

  (void)b;
  (void)in;
  if (*id == '\0')
    return err_set (err, ERR_PROTOCOL, "its reply names no subscription");
  if (strcasecmp (state, "Disabled") == 0 || strcasecmp (state, "Deleted") == 0)
    return err_set (err, ERR_AUTH,
                    "the subscription %s (%s) is %s: nothing can be changed "
                    "there",
                    id, json_str (root, "displayName", "?"), state);
  *out = json_make ("{s:s,s:s}", "account", id, "name",
                    json_str (root, "displayName", ""));
  return 0;
}

/* ARM takes one VM a call. */
static const json_t *
only_vm (const json_t *in, struct err **err)
{
  const json_t *vms = json_need_array (in, "vms", err);
  const json_t *vm = json_array_get (vms, 0);

  if (vms == NULL)
    return NULL;
  if (json_array_size (vms) != 1 ||
      !azure_is_id (json_str (vm, "id", ""), "virtualmachines")) {
    err_set (err, ERR_INTERNAL, "%zu VMs in one call, ARM takes one",
             json_array_size (vms));
    return NULL;
  }
  return vm;
}

static int
make_power (const json_t *in, const char *action, struct azure_call *call,
            struct err **err)
{
  const json_t *vm = only_vm (in, err);

  if (vm == NULL)
    return -1;
  call->method = "POST";
  call->api = API_VM;
  call->path = xasprintf ("%s/%s", json_str (vm, "id", ""), action);
  return 0;
}

/* Not deallocated: that gives the VM's host back, and a start may then find no
 * room (AllocationFailed).  A guest that loops does not hear a shutdown. */
static int
make_stop (const struct binding *b, const json_t *in, struct azure_call *call,
           struct err **err)
{
  (void)b;
  call->query = json_bool (in, "force", false) ? "skipShutdown=true"
                                               : "skipShutdown=false";
  return make_power (in, "powerOff", call, err);
}

static int
make_start (const struct binding *b, const json_t *in, struct azure_call *call,
            struct err **err)
{
  (void)b;
  return make_power (in, "start", call, err);
}

static int
read_none_failed (const struct binding *b, const json_t *in, const json_t *root,
                  json_t **out, struct err **err)
{
  (void)b;
  (void)in;
  (void)root;
  (void)err;
  *out = json_make ("{s:[]}", "failed");
  return 0;
}

/* --- tags ------------------------------------------------------------------
 *
 * By the tags resource of the VM or disk, which adds and takes off single ones:
 * neither the model of the VM is written nor other tags, and Compute's limits
 * for each VM don't count it. */

static int
make_tags (const char *id, const char *operation, json_t *tags_taken,
           struct azure_call *call)
{
  call->method = "PATCH";
  call->api = API_RESOURCES;
  call->path = xasprintf ("%s/providers/Microsoft.Resources/tags/default", id);
  call->body = json_make ("{s:s,s:{s:o}}", "operation", operation, "properties",
                          "tags", tags_taken);
  return 0;
}

static int
make_mark (const struct binding *b, const json_t *in, struct azure_call *call,
           struct err **err)
{
  static const struct {
    const char *key, *tag;
  } words[] = {{"campaign", TAG_CAMPAIGN},
               {"controller", TAG_CONTROLLER},
               {"since", TAG_SINCE}};
  const json_t *vm = only_vm (in, err);
  const json_t *mark = json_object_get (in, "mark");
  json_t *tags;

  (void)b;
  if (vm == NULL)
    return -1;
  tags = json_object ();
  for (size_t i = 0; i < ARRAY_SIZE (words); i++) {
    const char *value = json_str (mark, words[i].key, "");

    if (*value)
      json_put_str (tags, words[i].tag, value);
  }
  return make_tags (json_str (vm, "id", ""), "Merge", tags, call);
}

/* Delete takes off a tag only with this value: a mark that another campaign has
 * put there since stays.  The other words are named with the values that were
 * seen last. */
static int
make_unmark (const struct binding *b, const json_t *in, struct azure_call *call,
             struct err **err)
{
  static const char *const names[] = {TAG_CONTROLLER, TAG_SINCE};
  static const char *const paths[] = {"mark.controller", "mark.since"};
  const json_t *vm = only_vm (in, err);
  const char *ours = json_str (in, "mark.campaign", "");
  json_t *tags;

  (void)b;
  if (vm == NULL)
    return -1;
  tags = json_make ("{s:s}", TAG_CAMPAIGN, ours);
  for (size_t i = 0; i < ARRAY_SIZE (names); i++) {
    const char *value = json_str (vm, paths[i], "");

    if (*value && strcmp (json_str (vm, "mark.campaign", ""), ours) == 0)
      json_put_str (tags, names[i], value);
  }
  return make_tags (json_str (vm, "id", ""), "Delete", tags, call);
}

static int
make_keep (const struct binding *b, const json_t *in, struct azure_call *call,
           struct err **err)
{
  const char *id = json_need_str (in, "disk.id", err);
  const json_t *tags = json_object_get (in, "tags");

  (void)b;
  if (id == NULL)
    return -1;
  return make_tags (id, json_bool (in, "keep", true) ? "Merge" : "Delete",
                    json_is_object (tags) ? json_deep_copy (tags)
                                          : json_object (),
                    call);
}

/* --- what takes a call of its own before -----------------------------------
 */

/* Locks of the VM's resource group.  Whether the list shows those of the
 * subscription, too, is a guess; a lock there that stops a campaign
 * nevertheless would refute it. */
static int
make_preflight (const struct binding *b, const json_t *in,
                struct azure_call *call, struct err **err)
{
  const char *id = json_need_str (in, "vm.id", err);
  CLEANUP_FREE char *group = NULL;

  if (id == NULL)
    return -1;
  group = azure_id_part (id, "resourceGroups");
  call->method = "GET";
  call->api = API_LOCKS;
  call->path = xasprintf ("/subscriptions/%s/resourceGroups/%s/providers/"
                          "Microsoft.Authorization/locks",
                          b->account, group ? group : "");
  return 0;
}

static int
read_preflight (const struct binding *b, const json_t *in, const json_t *root,
                json_t **out, struct err **err)
{
  json_t *vm = json_deep_copy (json_object_get (in, "vm"));

  (void)b;
  (void)err;
  azure_judge_locks (vm, root);
  *out = json_make ("{s:o}", "vm", vm);
  return 0;
}

const struct azure_op azure_op_identify =
    {"subscriptions", "Microsoft.Resources/subscriptions/read",
     .make = make_identify, .read = read_identity};
const struct azure_op azure_op_stop =
    {"virtualMachines/powerOff",
     "Microsoft.Compute/virtualMachines/powerOff/action", .changes = true,
     .make = make_stop, .read = read_none_failed};
const struct azure_op azure_op_start =
    {"virtualMachines/start", "Microsoft.Compute/virtualMachines/start/action",
     .changes = true, .make = make_start, .read = read_none_failed};
const struct azure_op azure_op_mark = {"tags (merge)",
                                       "Microsoft.Resources/tags/write",
                                       .changes = true,
                                       .repeatable = true,
                                       .make = make_mark,
                                       .read = read_none_failed};
const struct azure_op azure_op_unmark = {"tags (delete)",
                                         "Microsoft.Resources/tags/write",
                                         .changes = true,
                                         .repeatable = true,
                                         .make = make_unmark,
                                         .read = read_none_failed};
const struct azure_op azure_op_keep = {"tags of a disk",
                                       "Microsoft.Resources/tags/write",
                                       .changes = true, .repeatable = true,
                                       .make = make_keep};
const struct azure_op azure_op_preflight =
    {"locks", "Microsoft.Authorization/locks/read", .make = make_preflight,
     .read = read_preflight};

/* Who may not see the locks is told so, and goes on: a lock that is there is
 * named by the call that it forbids. */
int
azure_preflight_parse (const struct binding *b, const json_t *in,
                       const struct http_reply *reply, json_t **out,
                       struct err **err)
{
  json_t *vm;

  if (reply->status != 403)
    return azure_op_parse (&azure_op_preflight, b, in, reply, out, err);
  vm = json_deep_copy (json_object_get (in, "vm"));
  vm_add_warning (vm, "locks-unknown",
                  "whether management locks forbid the repair is not known: "
                  "the permission %s is missing",
                  azure_op_preflight.right);
  *out = json_make ("{s:o}", "vm", vm);
  return 0;
}
