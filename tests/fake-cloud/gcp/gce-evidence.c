/* Serial output, screenshots, guest attributes. */

#include "gce.h"

#include <stdlib.h>
#include <string.h>

enum {
  KEPT = 1 << 20, /* of each port [discovery, getSerialPortOutput] */
  DARK = 40,
  BRIGHT = 200
};

/* NULL after gce_fail: only a running machine says something. */
static struct fake_object *
running (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);

  if (instance && strcmp (gce_status (instance), "RUNNING") != 0) {
    gce_not_ready (call, instance->id);
    return NULL;
  }
  return instance;
}

/* Of `start` (a negative one: so many from the end) to what is there. */
static int64_t
first_byte (int64_t start, int64_t len)
{
  int64_t oldest = len > KEPT ? len - KEPT : 0;

  if (start < 0)
    start = len + start;
  if (start > len)
    start = len;
  return start < oldest ? oldest : start;
}

static int
get_serial (struct fake_call *call)
{
  struct fake_object *instance = running (call);
  const char *port = gce_param (call, "port");
  const char *start = gce_param (call, "start");
  CLEANUP_STRBUF struct strbuf text = STRBUF_EMPTY;
  CLEANUP_FREE char *shown = NULL, *self = NULL;
  int64_t from;
  json_t *body;

  if (instance == NULL)
    return -1;
  if (port && (strlen (port) != 1 || *port < '1' || *port > '4'))
    return gce_invalid (call, "port", port, "Must be between 1 and 4.");
  if (port == NULL || *port == '1')
    gce_serial (call->cloud, instance->body, &text);
  strbuf_addstr (&text, "");
  from = first_byte (start ? strtoll (start, NULL, 10) : 0, (int64_t)text.len);
  shown = xstrdup (text.buf + from);
  body = json_make ("{s:s,s:s}", "kind", "compute#serialPortOutput", "contents",
                    shown);
  self = xasprintf ("%s/serialPort", instance->id);
  gce_put_link (body, "selfLink", self);
  gce_put_number (body, "start", from);
  gce_put_number (body, "next", (int64_t)text.len);
  gce_answer (call, body);
  return 0;
}

static int
get_screenshot (struct fake_call *call)
{
  struct fake_object *instance = running (call);
  CLEANUP_FREE char *picture = NULL;

  if (instance == NULL)
    return -1;
  if (!json_bool (instance->body, "displayDevice.enableDisplay", false))
    return gce_fail (call, 400, "invalidResourceUsage",
                     "Invalid resource usage: 'The instance has no display "
                     "device.'. (unverified)");
  picture =
      fake_picture (json_bool (instance->body, "_boots", true) ? BRIGHT : DARK);
  gce_answer (call, json_make ("{s:s,s:s}", "kind", "compute#screenshot",
                               "contents", picture));
  return 0;
}

/* ---- guest attributes ---- */

static bool
are_enabled (const struct fake_object *instance)
{
  json_t *item;
  size_t i;

  json_array_foreach (json_at (instance->body, "metadata.items"), i, item)
  {
    if (strcmp (json_str (item, "key", ""), "enable-guest-attributes") == 0)
      return strcmp (json_str (item, "value", ""), "TRUE") == 0 ||
             strcmp (json_str (item, "value", ""), "true") == 0;
  }
  return false;
}

/* {namespace: {key: value}} as a list, of one namespace or key. */
static json_t *
attributes_of (const json_t *all, const char *path)
{
  json_t *items = json_array (), *keys, *value;
  const char *space, *key;

  json_object_foreach ((json_t *)all, space, keys)
  {
    json_object_foreach (keys, key, value)
    {
      CLEANUP_FREE char *own = xasprintf ("%s/%s", space, key);

      if (*path == '\0' || strncmp (own, path, strlen (path)) == 0)
        json_array_append_new (items,
                               json_make ("{s:s,s:s,s:O}", "namespace", space,
                                          "key", key, "value", value));
    }
  }
  return items;
}

/* What a guest wrote: there once it is up. */
static int
get_attributes (struct fake_call *call)
{
  struct fake_object *instance = gce_target (call);
  const char *path = gce_param (call, "queryPath");
  const char *key = gce_param (call, "variableKey");
  CLEANUP_JSON json_t *items = NULL;
  json_t *body;

  if (instance == NULL)
    return -1;
  if (!are_enabled (instance))
    return gce_fail (call, 403, "forbidden",
                     "Guest attributes endpoint access is disabled.");
  items =
      json_bool (instance->body, "_agent", false)
          ? attributes_of (json_object_get (instance->body, "_guestAttributes"),
                           path  ? path
                           : key ? key
                                 : "")
          : json_array ();
  if (json_array_size (items) == 0)
    return gce_fail (call, 404, "notFound",
                     "The resource '%s/guestAttributes/%s' of type 'Guest "
                     "Attribute' was not found.",
                     instance->id, path ? path : "");
  body =
      json_make ("{s:s,s:s,s:{s:O}}", "kind", "compute#guestAttributes",
                 "queryPath", path ? path : "", "queryValue", "items", items);
  if (key) {
    json_put_str (body, "variableKey", key);
    json_put_str (body, "variableValue",
                  json_str (json_array_get (items, 0), "value", ""));
  }
  gce_answer (call, body);
  return 0;
}

#define ONE "/projects/{project}/zones/{zone}/instances/{instance}"
#define MAY "compute.instances."

/* The last two are charged to changes. [API rate limits] */
const struct gce_method gce_evidence_methods[] = {
    {"instances.getSerialPortOutput", "GET", ONE "/serialPort", "serial-port",
     MAY "getSerialPortOutput", "port start", NULL, get_serial},
    {"instances.getScreenshot", "GET", ONE "/screenshot", "change",
     MAY "getScreenshot", "", NULL, get_screenshot},
    {"instances.getGuestAttributes", "GET", ONE "/getGuestAttributes", "change",
     MAY "getGuestAttributes", "queryPath variableKey", NULL, get_attributes},
    {NULL},
};
