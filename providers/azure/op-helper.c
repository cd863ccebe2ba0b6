/* Disks to a helper and from it: attachDetachDataDisks, any number of disks a
 * call.  Changes of one VM are few (12, then 4 a minute) and one after the
 * other, so that the rows have a queue for each helper (azure-provider.c,
 * `part`), in which those that wait become one call. */

#include <ctype.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include "ids.h"
#include "ops.h"

/* A disk is attached without host caching and stays when the helper goes. */

static int
lun_of (const json_t *item, int *lun, struct err **err)
{
  const char *slot = json_str (item, "slot", "");

  if (*slot == '\0' || strspn (slot, "0123456789") != strlen (slot) ||
      strlen (slot) > 2)
    return err_set (err, ERR_INTERNAL, "\"%s\" is no LUN", slot);
  *lun = atoi (slot);
  return 0;
}

static int
make_helper (const json_t *in, const char *list, json_t *disks_taken,
             struct azure_call *call, struct err **err)
{
  CLEANUP_JSON json_t *disks = disks_taken;
  const char *helper = json_need_str (in, "helper.id", err);

  if (helper == NULL)
    return -1;
  if (json_array_size (disks) == 0)
    return err_set (err, ERR_INTERNAL, "a call about no disk");
  call->method = "POST";
  call->api = API_VM;
  call->path = xasprintf ("%s/attachDetachDataDisks", helper);
  call->body = json_make ("{s:O}", list, disks);
  return 0;
}

static int
make_helper_attach (const struct binding *b, const json_t *in,
                    struct azure_call *call, struct err **err)
{
  CLEANUP_JSON json_t *list = json_array ();
  json_t *item;
  size_t i;
  int lun = 0;

  (void)b;
  json_array_foreach (json_object_get (in, "disks"), i, item)
  {
    const char *id = json_need_str (item, "disk.id", err);

    /* For a trial there is no LUN yet. */
    if (id == NULL ||
        (!json_bool (in, "dry_run", false) && lun_of (item, &lun, err) == -1))
      return -1;
    json_array_append_new (list, json_make ("{s:s,s:i,s:s,s:s}", "diskId", id,
                                            "lun", lun, "caching", "None",
                                            "deleteOption", "Detach"));
  }
  return make_helper (in, "dataDisksToAttach", TAKE (list), call, err);
}

/* ForceDetach tears a disk off a helper that does not answer; what it has not
 * written is lost. */
static int
make_helper_detach (const struct binding *b, const json_t *in,
                    struct azure_call *call, struct err **err)
{
  CLEANUP_JSON json_t *list = json_array ();
  bool force = json_bool (in, "force", false);
  json_t *item;
  size_t i;

  (void)b;
  json_array_foreach (json_object_get (in, "disks"), i, item)
  {
    const char *id = json_need_str (item, "disk.id", err);
    json_t *entry;

    if (id == NULL)
      return -1;
    entry = json_make ("{s:s}", "diskId", id);
    if (force)
      json_put_str (entry, "detachOption", "ForceDetach");
    json_array_append_new (list, entry);
  }
  return make_helper (in, "dataDisksToDetach", TAKE (list), call, err);
}

/* --- a call about several disks that failed ------------------------------- */

static bool
is_name_char (char c)
{
  return isalnum ((unsigned char)c) || c == '-' || c == '_' || c == '.';
}

/* "Disk 'vm1' cannot be attached" is not about vm10. */
static bool
is_named (const char *text, const char *word)
{
  size_t len = strlen (word);

  for (const char *at = text; len && (at = strcasestr (at, word)); at++)
    if ((at == text || !is_name_char (at[-1])) && !is_name_char (at[len]))
      return true;
  return false;
}

/* "A disk named 'X' already uses the same LUN: 3." */
static bool
is_about (const json_t *item, const struct err *why)
{
  CLEANUP_FREE char *lun = xasprintf ("LUN %s", json_str (item, "slot", "?"));
  CLEANUP_FREE char *same = xasprintf ("LUN: %s", json_str (item, "slot", "?"));

  if (is_named (why->msg, azure_id_name (json_str (item, "disk.id", ""))))
    return true;
  return why->code == ERR_TAKEN &&
         (is_named (why->msg, lun) || is_named (why->msg, same));
}

/* Anything else is about the call or its helper, and the same for all. */
static bool
may_be_of_one (const struct err *why)
{
  static const enum err_code codes[] = {ERR_REFUSED, ERR_CONFLICT,  ERR_TAKEN,
                                        ERR_INPUT,   ERR_NOT_FOUND, ERR_USAGE};

  for (size_t i = 0; i < ARRAY_SIZE (codes); i++)
    if (why->code == codes[i])
      return true;
  return false;
}

/* Nothing has been done to the others, but that is for a look to say. */
static json_t *
share_of (const json_t *item, const struct err *why, bool named, bool any)
{
  CLEANUP_ERR struct err *other = NULL;
  CLEANUP_JSON json_t *error = NULL;

  if (any && !named)
    err_set (&other, ERR_TRANSIENT, "another disk in the same call: %s",
             why->msg);
  else if (!any)
    err_set (&other, ERR_TRANSIENT,
             "a call about several disks failed; each goes alone now: %s",
             why->msg);
  error = json_from_err (other ? other : why);
  return json_make ("{s:s,s:O,s:b}", "id", json_str (item, "disk.id", ""),
                    "error", error, "alone", !any);
}

/* ARM refuses the whole call because of one disk; its message names that, or
 * not.  (That it names the disk as the texts on learn.microsoft.com do is a
 * guess for other errors than those; if it does not, all go alone.) */
static json_t *
divide_disks (const json_t *in, const struct err *why)
{
  const json_t *disks = json_object_get (in, "disks");
  const char *helper = json_str (in, "helper.id", "?");
  json_t *item, *failed;
  bool any = false;
  size_t i;

  if (json_array_size (disks) < 2 || !may_be_of_one (why))
    return NULL;
  json_array_foreach ((json_t *)disks, i, item)
  {
    any = any || is_about (item, why);
  }
  if (!any && (why->code == ERR_CONFLICT || why->code == ERR_TAKEN ||
               is_named (why->msg, azure_id_name (helper))))
    return NULL;
  failed = json_array ();
  json_array_foreach ((json_t *)disks, i, item)
  {
    json_array_append_new (failed,
                           share_of (item, why, is_about (item, why), any));
  }
  return json_make ("{s:o}", "failed", failed);
}

const struct azure_op azure_op_helper_attach =
    {"attachDetachDataDisks (attach)",
     "Microsoft.Compute/virtualMachines/attachDetachDataDisks/action",
     .changes = true, .make = make_helper_attach, .divide = divide_disks};
const struct azure_op azure_op_helper_detach =
    {"attachDetachDataDisks (detach)",
     "Microsoft.Compute/virtualMachines/attachDetachDataDisks/action",
     .changes = true, .make = make_helper_detach, .divide = divide_disks};
