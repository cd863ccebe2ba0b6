#include "look.h"

#include <string.h>
#include <strings.h>

#include "ids.h"
#include "record.h"
#include "refusals.h"
#include "selector.h"

#define LIST "/providers/Microsoft.Compute/virtualMachines"

struct look_at {
  const struct binding *b;
  const json_t *in;
  json_t *page; /* changed on the way */
  json_t *out;
};

static bool
is_finding (const json_t *in)
{
  return json_object_get (in, "selector") != NULL;
}

/* --- what is asked first -------------------------------------------------- */

static json_t *
ask (const char *what, const char *key, const char *value)
{
  return json_make ("{s:s,s:s}", "what", what, key, value);
}

/* statusOnly shows the instance views of all VMs of a subscription in one list;
 * groups have no such thing. */
static void
ask_lists (const struct binding *b, json_t *queue, const json_t *selector)
{
  CLEANUP_JSON json_t *groups = azure_selector_groups (selector);
  CLEANUP_FREE char *whole = xasprintf ("/subscriptions/%s" LIST, b->account);
  json_t *group;
  size_t i;

  if (groups == NULL)
    json_array_append_new (queue, ask ("list", "path", whole));
  json_array_foreach (groups, i, group)
  {
    CLEANUP_FREE char *path =
        xasprintf ("/subscriptions/%s/resourceGroups/%s" LIST, b->account,
                   json_string_value (group));

    json_array_append_new (queue, ask ("list", "path", path));
  }
}

static json_t *
first_page (const struct binding *b, const json_t *in)
{
  const json_t *selector = json_object_get (in, "selector");
  const json_t *ids = json_at (in, is_finding (in) ? "selector.ids" : "ids");
  json_t *queue = json_array (), *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    const char *text = json_string_value (id) ?: "";
    bool item = azure_is_id (text, "disks") || azure_is_id (text, "snapshots");
    bool vm = azure_is_id (text, "virtualmachines");

    json_array_append_new (queue, ask (item ? "item"
                                       : vm ? "vm"
                                            : "other",
                                       "id", text));
  }
  if (selector && ids == NULL)
    ask_lists (b, queue, selector);
  return json_make ("{s:o,s:i}", "queue", queue, "found", 0);
}

static int
begin (struct look_at *at, const json_t **front, struct err **err)
{
  const json_t *page = json_object_get (at->in, "page");

  at->page = json_is_object (page) ? json_deep_copy (page)
                                   : first_page (at->b, at->in);
  *front = json_array_get (json_object_get (at->page, "queue"), 0);
  if (*front == NULL)
    return err_set (err, ERR_INTERNAL, "a look at nothing");
  return 0;
}

#define CLEANUP_LOOK CLEANUP (end)
static void
end (struct look_at *at)
{
  json_decref (at->page);
  json_decref (at->out);
}

/* --- requests ------------------------------------------------------------- */

static bool
wants_status_list (const json_t *in, const json_t *front)
{
  return json_bool (in, "selector.impaired", false) &&
         strcasestr (json_str (front, "path", ""), "/resourceGroups/") == NULL;
}

int
azure_look_build (const struct binding *b, const json_t *in,
                  struct http_request *req, struct err **err)
{
  CLEANUP_LOOK struct look_at at = {.b = b, .in = in};
  struct azure_call call = {.method = "GET", .api = API_VM};
  const json_t *front;
  const char *what, *action = "virtualMachines";

  if (begin (&at, &front, err) == -1)
    return -1;
  what = json_str (front, "what", "");
  if (strcmp (what, "list") == 0) {
    const char *link = json_str (front, "url", NULL);

    call.path = xstrdup (link ? link : json_str (front, "path", ""));
    call.api = link ? NULL : API_VM;
    call.query = wants_status_list (in, front) ? "statusOnly=true" : NULL;
    action = "virtualMachines (list)";
  } else if (strcmp (what, "vm") == 0) {
    call.path = xstrdup (json_str (front, "id", ""));
    call.query = "$expand=instanceView";
  } else if (strcmp (what, "other") == 0) {
    call.path = xasprintf ("/subscriptions/%s", b->account);
    call.api = API_SUBSCRIPTIONS;
    action = "subscriptions";
  } else if (strcmp (what, "sizes") == 0) {
    call.path = xasprintf ("%s/vmSizes", json_str (front, "vm.id", ""));
    action = "virtualMachines/vmSizes";
  } else {
    call.path = xstrdup (
        json_str (front, strcmp (what, "disk") == 0 ? "vm.os_disk.id" : "id",
                  ""));
    call.api = API_DISK;
    action = strcasestr (call.path, "/snapshots/") ? "snapshots" : "disks";
  }
  return azure_request (b, action, true, &call, req, err);
}

/* --- replies -------------------------------------------------------------- */

static json_t *
list_of (json_t *out, const char *key)
{
  json_t *list = json_object_get (out, key);

  if (list == NULL) {
    list = json_array ();
    json_put (out, key, list);
  }
  return list;
}

static void
put_front (struct look_at *at, json_t *ask_taken)
{
  json_array_insert_new (json_object_get (at->page, "queue"), 0, ask_taken);
}

/* All is known of this VM that was asked for. */
static void
give (struct look_at *at, json_t *vm)
{
  const json_t *selector = json_object_get (at->in, "selector");

  if (json_bool (selector, "impaired", false) &&
      strcmp (json_str (vm, "health", ""), "impaired") != 0)
    return;
  if (selector || json_bool (at->in, "preflight", false))
    azure_judge (vm);
  json_put_int (at->page, "found", json_int (at->page, "found", 0) + 1);
  json_array_append (list_of (at->out, "vms"), vm);
}

/* Brief looks end with the VM itself; how many disks a size takes is of
 * interest only for helpers, which are described with preflight. */
static void
go_on_with (struct look_at *at, json_t *vm, const char *after)
{
  bool brief = json_bool (at->in, "brief", false);

  if (strcmp (after, "vm") == 0 && !brief && json_object_get (vm, "os_disk"))
    put_front (at, json_make ("{s:s,s:O}", "what", "disk", "vm", vm));
  else if (strcmp (after, "sizes") != 0 &&
           json_bool (at->in, "preflight", false))
    put_front (at, json_make ("{s:s,s:O}", "what", "sizes", "vm", vm));
  else
    give (at, vm);
}

static void
read_list (struct look_at *at, const json_t *root)
{
  const char *link = json_str (root, "nextLink", "");
  const json_t *selector = json_object_get (at->in, "selector");
  json_t *queue = json_object_get (at->page, "queue"), *vm;
  size_t i;

  if (*link)
    put_front (at, ask ("list", "url", link));
  json_array_foreach (json_object_get (root, "value"), i, vm)
  {
    CLEANUP_FREE char *id = azure_vm_id (json_str (vm, "id", ""));
    const json_t *view = json_at (vm, "properties.instanceView");

    if (azure_is_id (id, "virtualmachines") &&
        azure_selector_fits (selector, vm) &&
        !(json_bool (selector, "impaired", false) && view &&
          strcmp (azure_health (view), "impaired") != 0))
      json_array_append_new (queue, ask ("vm", "id", id));
  }
}

static void
read_vm (struct look_at *at, const json_t *root)
{
  const json_t *selector = json_object_get (at->in, "selector");
  CLEANUP_JSON json_t *vm = azure_record (at->b, root);

  if (selector == NULL || azure_selector_fits (selector, root))
    go_on_with (at, vm, "vm");
}

static void
read_item (struct look_at *at, const char *id, const json_t *root)
{
  json_array_append_new (list_of (at->out, "disks"),
                         azure_is_id (id, "snapshots")
                             ? azure_snapshot (root, id)
                             : azure_disk (root, id));
}

/* What does not exist: a VM or disk that was asked for is gone or missing; the
 * OS disk of a VM may have been swapped out a moment ago. */
static void
not_found (struct look_at *at, const json_t *front, const struct err *why)
{
  const char *what = json_str (front, "what", "");
  const char *id = json_str (front, "id", "");

  if (strcmp (what, "disk") == 0 || strcmp (what, "sizes") == 0) {
    CLEANUP_JSON json_t *vm = json_deep_copy (json_object_get (front, "vm"));

    go_on_with (at, vm, what);
  } else if (!is_finding (at->in))
    json_array_append_new (list_of (at->out, "gone"), json_string (id));
  else
    json_array_append_new (list_of (at->out, "missing"),
                           json_make ("{s:s,s:s}", "what",
                                      *id ? id
                                          : json_str (at->in, "selector.text",
                                                      ""),
                                      "why", why->msg));
}

static void
read_reply (struct look_at *at, const json_t *front, const json_t *root)
{
  const char *what = json_str (front, "what", "");
  CLEANUP_JSON json_t *vm = json_deep_copy (json_object_get (front, "vm"));

  if (strcmp (what, "list") == 0)
    read_list (at, root);
  else if (strcmp (what, "vm") == 0)
    read_vm (at, root);
  else if (strcmp (what, "item") == 0)
    read_item (at, json_str (front, "id", ""), root);
  else {
    if (strcmp (what, "disk") == 0)
      azure_record_disk (vm, root);
    else
      azure_record_sizes (vm, root);
    go_on_with (at, vm, what);
  }
}

static void
finish (struct look_at *at)
{
  const char *list = is_finding (at->in) ? "missing" : "gone";
  const json_t *ids = json_object_get (at->in, "ids");
  const char *first = json_string_value (json_array_get (ids, 0)) ?: "";
  bool items = azure_is_id (first, "disks") || azure_is_id (first, "snapshots");

  list_of (at->out, items ? "disks" : "vms");
  list_of (at->out, list);
  if (json_array_size (json_object_get (at->page, "queue")))
    json_object_set (at->out, "next", at->page);
  else if (is_finding (at->in) && json_int (at->page, "found", 0) == 0 &&
           json_at (at->in, "selector.ids") == NULL) {
    CLEANUP_FREE char *why =
        xasprintf ("no VM in subscription %s fits", at->b->account);

    json_array_append_new (list_of (at->out, "missing"),
                           json_make ("{s:s,s:s}", "what",
                                      json_str (at->in, "selector.text", ""),
                                      "why", why));
  }
}

int
azure_look_parse (const struct binding *b, const json_t *in,
                  const struct http_reply *reply, json_t **out,
                  struct err **err)
{
  CLEANUP_LOOK struct look_at at = {.b = b, .in = in, .out = json_object ()};
  CLEANUP_JSON json_t *root = NULL, *asked = NULL;
  CLEANUP_ERR struct err *why = NULL;
  const json_t *front;

  if (begin (&at, &front, err) == -1)
    return -1;
  asked = json_incref ((json_t *)front);
  json_array_remove (json_object_get (at.page, "queue"), 0);
  root = azure_reply (reply, "Microsoft.Compute/*/read", false, &why);
  if (root && strcmp (json_str (asked, "what", ""), "other") == 0)
    json_array_append (list_of (at.out, is_finding (in) ? "missing" : "gone"),
                       json_object_get (asked, "id"));
  else if (root)
    read_reply (&at, asked, root);
  else if (why->code == ERR_NOT_FOUND)
    not_found (&at, asked, why);
  else
    return err_move (err, TAKE (why));
  finish (&at);
  *out = TAKE (at.out);
  return 0;
}
