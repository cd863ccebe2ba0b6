#include "look-internal.h"

#include <string.h>
#include <strings.h>

#include "ids.h"
#include "record.h"
#include "refusals.h"
#include "selector.h"

bool
look_is_finding (const struct look_at *at)
{
  return json_object_get (at->in, "selector") != NULL;
}

json_t *
look_queue (const struct look_at *at)
{
  return json_object_get (at->page, "queue");
}

void
look_push (struct look_at *at, json_t *ask_taken)
{
  json_array_append_new (look_queue (at), ask_taken);
}

/* --- what is asked first -------------------------------------------------- */

json_t *
look_ask (const char *what, const char *key, const char *value)
{
  return json_make ("{s:s,s:s}", "what", what, key, value);
}

static void
ask_each (struct look_at *at, const json_t *ids)
{
  json_t *id;
  size_t i;

  json_array_foreach ((json_t *)ids, i, id)
  {
    const char *text = json_string_value (id) ?: "";
    bool item = azure_is_id (text, "disks") || azure_is_id (text, "snapshots");
    bool vm = azure_is_id (text, "virtualmachines");

    look_push (at, look_ask (item ? "item" : vm ? "vm" : "other", "id", text));
  }
}

static void
first_page (struct look_at *at)
{
  at->page = json_make ("{s:[],s:i}", "queue", "found", 0);
  if (!look_lists_begin (at))
    ask_each (at,
              json_at (at->in, look_is_finding (at) ? "selector.ids" : "ids"));
}

/* A copy whose members are shared: what is changed is copied first. */
static json_t *
copy_of (const json_t *page)
{
  static const char *const own[] = {"queue", "shared", "seen"};
  json_t *copy = json_copy ((json_t *)page);

  for (size_t i = 0; i < ARRAY_SIZE (own); i++)
    if (json_object_get (copy, own[i]))
      json_put (copy, own[i], json_copy (json_object_get (copy, own[i])));
  return copy;
}

static int
begin (struct look_at *at, const json_t **front, struct err **err)
{
  const json_t *page = json_object_get (at->in, "page");

  if (json_is_object (page))
    at->page = copy_of (page);
  else
    first_page (at);
  *front = json_array_get (look_queue (at), 0);
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
  if (look_lists_is (what))
    look_lists_call (front, &call, &action);
  else if (strcmp (what, "vm") == 0) {
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

static void
put_front (struct look_at *at, json_t *ask_taken)
{
  json_array_insert_new (look_queue (at), 0, ask_taken);
}

static bool
is_sought (const struct look_at *at, const json_t *vm)
{
  return !json_bool (at->in, "selector.impaired", false) ||
         strcmp (json_str (vm, "health", ""), "impaired") == 0;
}

void
look_give (struct look_at *at, json_t *vm)
{
  if (!is_sought (at, vm))
    return;
  if (look_is_finding (at) || json_bool (at->in, "preflight", false))
    azure_judge (vm);
  json_put_int (at->page, "found", json_int (at->page, "found", 0) + 1);
  json_array_append (json_list (at->out, "vms"), vm);
}

/* Brief looks end with the VM itself; how many disks a size takes is of
 * interest only for helpers, which are described with preflight. */
void
look_go_on_with (struct look_at *at, json_t *vm, const char *after)
{
  bool brief = json_bool (at->in, "brief", false);

  if (!is_sought (at, vm))
    return;
  if (strcmp (after, "vm") == 0 && !brief && json_object_get (vm, "os_disk"))
    put_front (at, json_make ("{s:s,s:O}", "what", "disk", "vm", vm));
  else if (strcmp (after, "sizes") != 0 &&
           json_bool (at->in, "preflight", false))
    put_front (at, json_make ("{s:s,s:O}", "what", "sizes", "vm", vm));
  else
    look_give (at, vm);
}

static void
read_vm (struct look_at *at, const json_t *root)
{
  const json_t *selector = json_object_get (at->in, "selector");
  CLEANUP_JSON json_t *vm = azure_record (at->b, root);

  if (selector == NULL || azure_selector_fits (selector, root))
    look_go_on_with (at, vm, "vm");
}

static void
read_item (struct look_at *at, const char *id, const json_t *root)
{
  json_array_append_new (json_list (at->out, "disks"),
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

    look_go_on_with (at, vm, what);
  } else if (!look_is_finding (at))
    json_array_append_new (json_list (at->out, "gone"), json_string (id));
  else
    json_array_append_new (json_list (at->out, "missing"),
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

  if (look_lists_is (what))
    look_lists_read (at, front, root);
  else if (strcmp (what, "vm") == 0)
    read_vm (at, root);
  else if (strcmp (what, "item") == 0)
    read_item (at, json_str (front, "id", ""), root);
  else {
    if (strcmp (what, "disk") == 0)
      azure_record_disk (vm, root);
    else
      azure_record_sizes (vm, root);
    look_go_on_with (at, vm, what);
  }
}

static void
finish (struct look_at *at)
{
  const char *list = look_is_finding (at) ? "missing" : "gone";
  const json_t *ids = json_object_get (at->in, "ids");
  const char *first = json_string_value (json_array_get (ids, 0)) ?: "";
  bool items = azure_is_id (first, "disks") || azure_is_id (first, "snapshots");

  json_list (at->out, items ? "disks" : "vms");
  json_list (at->out, list);
  while (json_array_size (look_queue (at)) == 0 &&
         json_object_get (at->page, "phase"))
    look_lists_next (at);
  if (json_array_size (look_queue (at)))
    json_object_set (at->out, "next", at->page);
  else if (look_is_finding (at) && json_int (at->page, "found", 0) == 0 &&
           json_at (at->in, "selector.ids") == NULL) {
    CLEANUP_FREE char *why =
        xasprintf ("no VM in subscription %s fits", at->b->account);

    json_array_append_new (json_list (at->out, "missing"),
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
  json_array_remove (look_queue (&at), 0);
  root = azure_reply (reply, "Microsoft.Compute/*/read", false, &why);
  if (root && strcmp (json_str (asked, "what", ""), "other") == 0)
    json_array_append (json_list (at.out,
                                  look_is_finding (&at) ? "missing" : "gone"),
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

const char *
azure_look_class (const struct binding *b, const json_t *in)
{
  CLEANUP_LOOK struct look_at at = {.b = b, .in = in};
  const json_t *front;

  if (begin (&at, &front, NULL) == -1)
    return "read";
  return look_lists_is (json_str (front, "what", "")) ? "list" : "read";
}
