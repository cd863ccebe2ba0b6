#include "gce-driver.h"

#include <stdio.h>
#include <string.h>

#include <CUnit/CUnit.h>

#include <base/strbuf.h>

#include "drive.h"
#include "quoted.h"

#define BASE "https://compute.googleapis.com/compute/v1/projects/shop-1"

static const char fleet[] =
    "{'seed': 7, 'gcp': {"
    " 'projects': {'shop-1': {'number': '123'}, 'bank': {'number': '4'},"
    "              'off': {'disabled': true}},"
    " 'zones': ['europe-west1-b', 'europe-west1-c'],"
    " 'tokens': [{'token': 'all', 'email': 'all@x.y'},"
    "  {'token': 'read', 'email': 'read@x.y',"
    "   'allow': ['compute.*.get', 'compute.*.list']},"
    "  {'token': 'nouse', 'email': 'n@x.y', 'deny': ['compute.disks.use']},"
    "  {'token': 'noact', 'email': 'a@x.y', 'deny': ['iam.*']},"
    "  {'token': 'bank', 'email': 'bank@x.y', 'projects': ['bank']},"
    "  {'token': 'ro', 'email': 'all@x.y',"
    "   'scopes': ['https://www.googleapis.com/auth/compute.readonly']},"
    "  {'token': 'short', 'email': 'all@x.y', 'token_seconds': 60}],"
    " 'groups': [{'name': 'g', 'zone': 'europe-west1-b', 'managed': true}],"
    " 'disks': [{'name': 'spare', 'zone': 'europe-west1-b', 'size_gb': 5},"
    "  {'name': 'hyper', 'zone': 'europe-west1-b',"
    "   'type': 'hyperdisk-balanced'},"
    "  {'name': 'reg', 'zone': 'europe-west1-b', 'regional': true},"
    "  {'name': 'csek', 'zone': 'europe-west1-b',"
    /* of 32 zeros */
    "   'csek': 'Zmh6rfhivXdsj8GLjp+OIAiXFIVu4jOzkCpZHQ1fKSU='}],"
    " 'instances': ["
    "  {'name': 'web', 'zone': 'europe-west1-b', 'os': 'windows',"
    "   'labels': {'env': 'prod'}, 'public': 'ephemeral', 'display': true,"
    "   'boot': {'name': 'web-os', 'boots': false, 'content': {'v': 1},"
    "     'snapshots': [{'name': 'old'}]},"
    "   'disks': [{'name': 'web-data', 'device_name': 'data'}]},"
    "  {'name': 'helper', 'zone': 'europe-west1-b',"
    "   'metadata': {'enable-guest-attributes': 'TRUE'},"
    "   'guest_attributes': {'app': {'ready': 'yes'}}},"
    "  {'name': 'off', 'zone': 'europe-west1-b', 'status': 'TERMINATED',"
    "   'no_capacity': true, 'service_account': 'sa@x.y'},"
    "  {'name': 'ssd', 'zone': 'europe-west1-b', 'local_ssds': 1},"
    "  {'name': 'member', 'zone': 'europe-west1-b', 'group': 'g'},"
    "  {'name': 'far', 'zone': 'europe-west1-c',"
    "   'deletion_protection': true}]}}";

void
gce_init (struct gce_driver *d, const char *patch)
{
  memset (d, 0, sizeof *d);
  d->cloud = drive_cloud (fleet, patch, &d->clock, INT64_C (1767225600000));
  d->token = xstrdup ("all");
}

void
gce_release (struct gce_driver *d)
{
  fake_cloud_free (d->cloud);
  free (d->token);
  free (d->operation);
  json_decref (d->reply);
}

/* ---- steps ---- */

static void
note_operation (struct gce_driver *d)
{
  const char *link = json_str (d->reply, "selfLink", "");

  if (strcmp (json_str (d->reply, "kind", ""), "compute#operation") != 0)
    return;
  free (d->operation);
  d->operation = xstrdup (strstr (link, "/zones/") ?: strstr (link, "/global/")
                                                          ?: "");
}

static void
request (struct gce_driver *d, const char *verb, const char *path,
         const char *body)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_HTTP_REPLY struct http_reply reply = {0};
  CLEANUP_FREE char *bearer = xasprintf ("Bearer %s", d->token);

  req.method = xstrdup (verb);
  req.url = *path == '!'
                ? xasprintf ("https://compute.googleapis.com%s", path + 1)
                : xasprintf (BASE "%s%s",
                             *path == '/' || *path == '\0' ? "" : "/", path);
  if (*d->token)
    http_header_add (&req.headers, "Authorization", bearer);
  if (body) {
    req.body = quoted (body);
    req.body_len = strlen (req.body);
  }
  fake_cloud_handle (d->cloud, &req, &reply);
  json_decref (d->reply);
  d->reply = json_parse (reply.body, reply.body_len, "reply", NULL);
  d->status = reply.status;
  if (reply.status == 200)
    snprintf (d->code, sizeof d->code, "ok");
  else
    snprintf (d->code, sizeof d->code, "%s",
              json_str (json_array_get (json_at (d->reply, "error.errors"), 0),
                        "reason", "?"));
  note_operation (d);
}

static void
look_at_operation (struct gce_driver *d)
{
  request (d, "GET", d->operation ? d->operation : "/none", NULL);
  if (d->status == 200)
    snprintf (d->code, sizeof d->code, "%s",
              json_str (json_array_get (json_at (d->reply, "error.errors"), 0),
                        "code", json_str (d->reply, "status", "?")));
}

static void
set (struct gce_driver *d, const char *id, const char *body)
{
  CLEANUP_FREE char *full = xasprintf ("projects/shop-1/%s", id);
  CLEANUP_JSON json_t *op = json_make ("{s:s,s:s,s:o}", "op", "set", "id", full,
                                       "body", quoted_json (body));
  CLEANUP_ERR struct err *err = NULL;
  CLEANUP_JSON json_t *out = fake_cloud_control (d->cloud, op, &err);

  snprintf (d->code, sizeof d->code, "%s", out ? "ok" : err->msg);
}

static void
step (struct gce_driver *d, char *text)
{
  char *rest = text, *verb = strsep (&rest, " ");
  char *path = rest ? strsep (&rest, " ") : verb + strlen (verb);

  if (strcmp (verb, "wait") == 0)
    fake_clock_advance (&d->clock, strtoll (path, NULL, 10));
  else if (strcmp (verb, "end") == 0)
    look_at_operation (d);
  else if (strcmp (verb, "set") == 0)
    set (d, path, rest);
  else if (strcmp (verb, "as") == 0) {
    free (d->token);
    d->token = xstrdup (path);
  } else
    request (d, verb, path, rest);
}

const char *
gce_do (struct gce_driver *d, const char *steps)
{
  CLEANUP_FREE char *copy = xstrdup (steps);
  char *at = copy, *next;

  for (; at; at = next) {
    next = strstr (at, "; ");
    if (next) {
      *next = '\0';
      next += 2;
    }
    snprintf (d->code, sizeof d->code, "ok");
    step (d, at);
    if (next && strcmp (d->code, "ok") != 0 && strcmp (d->code, "DONE") != 0) {
      printf ("%s: step gives %s\n", steps, d->code);
      CU_FAIL ("a step before the last one");
    }
  }
  return d->code;
}

const char *
gce_text (struct gce_driver *d, const char *path)
{
  const json_t *value = json_at (d->reply, path);
  static _Thread_local char text[64];

  if (json_is_string (value))
    return json_string_value (value);
  if (!json_is_integer (value) && !json_is_boolean (value))
    return "";
  snprintf (text, sizeof text, "%lld",
            json_is_integer (value) ? (long long)json_integer_value (value)
                                    : (long long)json_is_true (value));
  return text;
}

json_t *
gce_object (struct gce_driver *d, const char *id)
{
  CLEANUP_FREE char *full = xasprintf ("projects/shop-1/%s", id);

  return fake_cloud_object (d->cloud, full);
}
