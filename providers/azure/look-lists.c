/* Looks at many: lists instead of one request for each.
 *
 * ARM shows the models of all VMs in one list and their states in another
 * (statusOnly), but never both in one: statusOnly leaves tags and disks out.
 * [Azure/azure-rest-api-specs#42411]  So the lists are read one after the other
 * and put together:
 *
 *   models   the VMs that fit (or are asked about)      VMs by group, or all
 *   views    their power and agent                      all VMs, statusOnly
 *   disks    their OS disks, unless it is a brief look  disks by group, or all
 *   sizes    how many disks they take (preflight)       a location's sizes
 *
 * What a list does not show is asked for by itself in the end.  Lists of what
 * is few in a large subscription would cost more than that: so many pages are
 * read and no more.
 *
 *   page.phase   "models" ... ; absent: no lists (any more)
 *   page.pages   of the list that is being read
 *   page.shared  {id: {vm: record, view: bool, disk: bool}}
 *   page.seen    of disks by themselves: {id: true} */

#include "look-internal.h"

#include <string.h>
#include <strings.h>

#include "ids.h"
#include "selector.h"

#define COMPUTE "/providers/Microsoft.Compute/"
/* More groups than that: the whole subscription. */
#define MOST_GROUPS 3
#define LEAST_PAGES 8

static const struct {
  const char *what, *type, *query, *action;
} lists[] = {
    {"models", "virtualMachines", NULL, "virtualMachines (list)"},
    {"views", "virtualMachines", "statusOnly=true",
     "virtualMachines (statusOnly)"},
    {"disks", "disks", NULL, "disks (list)"},
    {"items", "disks", NULL, "disks (list)"},
    {"snapshot-items", "snapshots", NULL, "snapshots (list)"},
    {"location-sizes", "vmSizes", NULL, "locations/vmSizes"},
};

static size_t
number_of (const char *what)
{
  size_t i = 0;

  while (i < ARRAY_SIZE (lists) && strcmp (lists[i].what, what) != 0)
    i++;
  return i;
}

bool
look_lists_is (const char *what)
{
  return number_of (what) < ARRAY_SIZE (lists);
}

void
look_lists_call (const json_t *ask, struct azure_call *call,
                 const char **action)
{
  size_t i = number_of (json_str (ask, "what", ""));
  const char *link = json_str (ask, "url", NULL);
  bool vms = strcmp (lists[i].type, "disks") != 0 &&
             strcmp (lists[i].type, "snapshots") != 0;

  call->path = xstrdup (link ? link : json_str (ask, "path", ""));
  call->api = link ? NULL : vms ? API_VM : API_DISK;
  call->query = link ? NULL : lists[i].query;
  *action = lists[i].action;
}

/* --- what is asked about -------------------------------------------------- */

static const json_t *
ids_of (const struct look_at *at)
{
  return json_at (at->in, look_is_finding (at) ? "selector.ids" : "ids");
}

json_t *
look_wanted_of (const struct look_at *at)
{
  const json_t *ids = ids_of (at);
  json_t *wanted, *id;
  size_t i;

  if (ids == NULL)
    return NULL;
  wanted = json_object ();
  json_array_foreach ((json_t *)ids, i, id)
  {
    CLEANUP_FREE char *key = azure_vm_id (json_string_value (id) ?: "");

    json_object_set (wanted, key, id);
  }
  return wanted;
}

static const json_t *
shared_of (const struct look_at *at)
{
  return json_object_get (at->page, "shared");
}

/* "/subscriptions/S/resourcegroups/G" of the ids that are of this type, each
 * once. */
static json_t *
groups_of (const json_t *ids, const char *type)
{
  json_t *groups = json_object (), *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    const char *text = json_string_value (id) ?: "";
    const char *end = strcasestr (text, COMPUTE);
    CLEANUP_FREE char *group =
        end ? xstrndup (text, (size_t)(end - text)) : NULL;
    CLEANUP_FREE char *key = group ? azure_vm_id (group) : NULL;

    if (key && azure_is_id (text, type))
      json_put_bool (groups, key, true);
  }
  return groups;
}

static void
push_list (struct look_at *at, const char *what, const char *below)
{
  CLEANUP_FREE char *path =
      xasprintf ("%s" COMPUTE "%s", below, lists[number_of (what)].type);

  look_push (at, look_ask (what, "path", path));
}

static void
push_all (struct look_at *at, const char *what)
{
  CLEANUP_FREE char *whole = xasprintf ("/subscriptions/%s", at->b->account);

  push_list (at, what, whole);
}

/* The list of each group of these ids, or the one of the subscription. */
static void
push_groups (struct look_at *at, const char *what, const json_t *ids,
             const char *type)
{
  CLEANUP_JSON json_t *groups = groups_of (ids, type);
  const char *group;
  json_t *value;

  if (json_object_size (groups) > MOST_GROUPS) {
    push_all (at, what);
    return;
  }
  json_object_foreach (groups, group, value)
  {
    push_list (at, what, group);
  }
}

static void
enter (struct look_at *at, const char *phase)
{
  json_put_str (at->page, "phase", phase);
  json_put_int (at->page, "pages", 0);
}

static void
push_selected (struct look_at *at)
{
  CLEANUP_JSON json_t *groups =
      azure_selector_groups (json_object_get (at->in, "selector"));
  json_t *group;
  size_t i;

  if (groups == NULL)
    push_all (at, "models");
  json_array_foreach (groups, i, group)
  {
    CLEANUP_FREE char *below =
        xasprintf ("/subscriptions/%s/resourceGroups/%s", at->b->account,
                   json_string_value (group));

    push_list (at, "models", below);
  }
}

/* Ids of another cloud, as of helpers for another account: one by one. */
static bool
all_are (const json_t *ids, const char *type, const char *other)
{
  json_t *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    const char *text = json_string_value (id) ?: "";

    if (!azure_is_id (text, type) && !azure_is_id (text, other))
      return false;
  }
  return true;
}

bool
look_lists_begin (struct look_at *at)
{
  const json_t *ids = ids_of (at);

  if (ids ? json_array_size (ids) < LOOK_MANY : !look_is_finding (at))
    return false;
  if (all_are (ids, "disks", "snapshots") && ids) {
    push_groups (at, "items", ids, "disks");
    push_groups (at, "snapshot-items", ids, "snapshots");
    json_put (at->page, "seen", json_object ());
    enter (at, "items");
    return true;
  }
  if (!all_are (ids, "virtualmachines", "virtualmachines"))
    return false;
  if (ids)
    push_groups (at, "models", ids, "virtualmachines");
  else
    push_selected (at);
  enter (at, "models");
  json_put (at->page, "shared", json_object ());
  return true;
}

/* --- pages ---------------------------------------------------------------- */

/* Have all been seen that this list is read for? */
static bool
is_complete (const struct look_at *at, const char *what)
{
  size_t n = json_array_size (ids_of (at));
  const char *id;
  json_t *entry;

  if (strcmp (what, "models") == 0)
    return ids_of (at) && json_object_size (shared_of (at)) == n;
  if (strstr (what, "items"))
    return json_object_size (json_object_get (at->page, "seen")) == n;
  json_object_foreach ((json_t *)shared_of (at), id, entry)
  {
    if (strcmp (what, "views") == 0 ? !json_bool (entry, "view", false)
                                    : !json_bool (entry, "disk", false) &&
                                          json_at (entry, "vm.os_disk"))
      return false;
  }
  return true;
}

static bool
is_too_long (const struct look_at *at)
{
  size_t n = json_array_size (ids_of (at));
  int64_t most = (int64_t)(n / 4 > LEAST_PAGES ? n / 4 : LEAST_PAGES);

  return ids_of (at) && json_int (at->page, "pages", 0) >= most;
}

static void
turn_page (struct look_at *at, const char *what, const json_t *root)
{
  const char *link = json_str (root, "nextLink", "");

  json_put_int (at->page, "pages", json_int (at->page, "pages", 0) + 1);
  if (is_complete (at, what) || is_too_long (at))
    json_array_clear (look_queue (at));
  else if (*link)
    json_array_insert_new (look_queue (at), 0, look_ask (what, "url", link));
}

void
look_lists_read (struct look_at *at, const json_t *ask, const json_t *root)
{
  const char *what = json_str (ask, "what", "");

  look_lists_page (at, ask, root);
  if (strcmp (what, "location-sizes") != 0)
    turn_page (at, what, root);
}

/* --- from list to list ---------------------------------------------------- */

static void
leave_lists (struct look_at *at)
{
  static const char *const own[] = {"phase", "pages", "shared", "seen"};

  for (size_t i = 0; i < ARRAY_SIZE (own); i++)
    json_object_del (at->page, own[i]);
}

/* Few are left: they are asked for one by one. */
static void
ask_rest (struct look_at *at)
{
  CLEANUP_JSON json_t *shared = json_incref ((json_t *)shared_of (at));
  json_t *entry;
  const char *id;

  leave_lists (at);
  json_object_foreach (shared, id, entry)
  {
    if (json_bool (entry, "view", false))
      look_go_on_with (at, json_object_get (entry, "vm"), "vm");
    else
      look_push (at, look_ask ("vm", "id", id));
  }
}

/* Of those asked about, what no list has shown. */
static void
ask_unseen (struct look_at *at, const json_t *seen, const char *what)
{
  CLEANUP_JSON json_t *wanted = look_wanted_of (at);
  const char *id;
  json_t *asked;

  json_object_foreach (wanted, id, asked)
  {
    if (!json_object_get (seen, id))
      look_push (at, look_ask (what, "id", json_string_value (asked)));
  }
}

static void
drop_healthy (struct look_at *at)
{
  json_t *shared = json_object_get (at->page, "shared"), *entry;
  const char *id;
  void *next;

  if (!json_bool (at->in, "selector.impaired", false))
    return;
  json_object_foreach_safe (shared, next, id, entry)
  {
    if (json_bool (entry, "view", false) &&
        strcmp (json_str (entry, "vm.health", ""), "impaired") != 0)
      json_object_del (shared, id);
  }
}

static void
push_disks (struct look_at *at)
{
  CLEANUP_JSON json_t *ids = json_array ();
  json_t *entry;
  const char *id;

  json_object_foreach ((json_t *)shared_of (at), id, entry)
  {
    const char *disk = json_str (entry, "vm.os_disk.id", NULL);

    if (disk)
      json_array_append_new (ids, json_string (disk));
  }
  push_groups (at, "disks", ids, "disks");
}

static void
push_sizes (struct look_at *at)
{
  CLEANUP_JSON json_t *locations = json_object ();
  json_t *entry;
  const char *id, *location;

  json_object_foreach ((json_t *)shared_of (at), id, entry)
  {
    json_put_bool (locations, json_str (entry, "vm.attributes.location", "?"),
                   true);
  }
  json_object_foreach (locations, location, entry)
  {
    CLEANUP_FREE char *below =
        xasprintf ("/subscriptions/%s" COMPUTE "locations/%s/vmSizes",
                   at->b->account, location);
    json_t *ask = look_ask ("location-sizes", "path", below);

    json_put_str (ask, "location", location);
    look_push (at, ask);
  }
}

/* All that lists can tell is known. */
static void
give_all (struct look_at *at)
{
  CLEANUP_JSON json_t *shared = json_incref ((json_t *)shared_of (at));
  bool brief = json_bool (at->in, "brief", false);
  json_t *entry;
  const char *id;

  ask_unseen (at, shared, "vm");
  leave_lists (at);
  json_object_foreach (shared, id, entry)
  {
    CLEANUP_JSON json_t *vm = json_deep_copy (json_object_get (entry, "vm"));

    if (!json_bool (entry, "view", false))
      look_push (at, look_ask ("vm", "id", id));
    else if (brief || json_bool (entry, "disk", false) ||
             !json_object_get (vm, "os_disk"))
      look_give (at, vm);
    else
      look_go_on_with (at, vm, "vm");
  }
}

/* Of a search. */
static bool
are_few (const struct look_at *at)
{
  return ids_of (at) == NULL && json_object_size (shared_of (at)) < LOOK_MANY;
}

void
look_lists_next (struct look_at *at)
{
  const char *phase = json_str (at->page, "phase", "");
  bool preflight = json_bool (at->in, "preflight", false);

  if (strcmp (phase, "models") == 0 && are_few (at))
    ask_rest (at);
  else if (strcmp (phase, "models") == 0) {
    enter (at, "views");
    if (json_object_size (shared_of (at)))
      push_all (at, "views");
  } else if (strcmp (phase, "views") == 0) {
    drop_healthy (at);
    if (json_bool (at->in, "brief", false))
      give_all (at);
    else if (are_few (at))
      ask_rest (at);
    else {
      enter (at, "disks");
      push_disks (at);
    }
  } else if (strcmp (phase, "disks") == 0 && preflight) {
    enter (at, "sizes");
    push_sizes (at);
  } else if (strcmp (phase, "disks") == 0 || strcmp (phase, "sizes") == 0)
    give_all (at);
  else if (strcmp (phase, "items") == 0) {
    CLEANUP_JSON json_t *seen =
        json_incref (json_object_get (at->page, "seen"));

    leave_lists (at);
    ask_unseen (at, seen, "item");
  }
}
