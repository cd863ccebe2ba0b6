#include "arm-driver.h"

#include <CUnit/CUnit.h>
#include <ctype.h>
#include <stdio.h>
#include <string.h>
#include <strings.h>

#include <base/strbuf.h>

#include "quoted.h"

/* bad: crash-loops; ok: runs; off: stopped; cold: deallocated; held: locked;
 * tl: Trusted Launch; v1: generation 1; ade; eph; helper: 4 disks. */
static const char fleet[] =
    "{'seed': 7, 'azure': {'auth': 'trusted', 'tenants': {"
    " 't1': {'applications': [{'id': 'app', 'secret': 's'},"
    "  {'id': 'reader', 'secret': 'r', 'allow': ['*/read']},"
    "  {'id': 'blind', 'deny': ['Microsoft.Compute/locations/*']}]},"
    " 't2': {'applications': [{'id': 'stranger', 'secret': 'x'}]}},"
    "'subscriptions': {'" ARM_S "': {'tenant': 't1'}},"
    "'locations': {'westeurope': {'zones': ['1', '2']}, 'westus': {}},"
    "'locks': [{'scope': '" ARM_VM_ID (
        "held") "', 'level': 'ReadOnly'},"
                " {'scope': '" ARM_DISK_ID (
                    "keep") "', 'level': 'CanNotDelete'}],"
                            "'vms': ["
                            " {'name': 'Bad', 'group': 'Web', 'zone': '1', "
                            "'tags': {'Team': 'shop'},"
                            "  'os_disk': {'boots': false, 'content': {'bad': "
                            "true},"
                            "   'snapshots': [{'name': 's1', 'boots': true}]}},"
                            " {'name': 'ok', 'group': 'Web', 'zone': '1'},"
                            " {'name': 'off', 'group': 'Web', 'zone': '1', "
                            "'power': 'stopped'},"
                            " {'name': 'cold', 'group': 'Web', 'zone': '1', "
                            "'power': 'deallocated'},"
                            " {'name': 'full', 'group': 'Web', 'zone': '1', "
                            "'power': 'deallocated',"
                            "  'no_capacity': true},"
                            " {'name': 'hangs', 'group': 'Web', 'power': "
                            "'stopped',"
                            "  'start_hangs': true},"
                            " {'name': 'held', 'group': 'Web', 'zone': '1'},"
                            " {'name': 'tl', 'group': 'Web', 'zone': '1', "
                            "'os_disk': "
                            "  {'security_type': 'TrustedLaunch'}},"
                            " {'name': 'v1', 'group': 'Web', 'zone': '1', "
                            "'os_disk': "
                            "  {'generation': 'V1'}},"
                            " {'name': 'ade', 'group': 'Web', 'zone': '1', "
                            "'os_disk': {'model': "
                            "  {'properties': {'encryptionSettingsCollection': "
                            "{'enabled': true}}}}},"
                            " {'name': 'helper', 'group': 'Web', 'zone': '1', "
                            "'os': 'linux',"
                            "  'max_data_disks': 4, 'data_disks': [{'lun': "
                            "0}]}],"
                            "'disks': [{'name': 'spare', 'group': 'web', "
                            "'zone': '1'},"
                            " {'name': 'far', 'group': 'web', 'zone': '2'},"
                            " {'name': 'keep', 'group': 'web', 'zone': '1'},"
                            " {'name': 'fit', 'group': 'web', 'zone': '1', "
                            "'os': 'windows'},"
                            " {'name': 'big', 'group': 'web', 'zone': '1', "
                            "'os': 'windows',"
                            "  'size_gb': 64},"
                            " {'name': 'linux', 'group': 'web', 'zone': '1', "
                            "'os': 'linux'}]}}";

void
arm_driver_init (struct arm_driver *d, const char *patch)
{
  memset (d, 0, sizeof *d);
  d->cloud = drive_cloud (fleet, patch, &d->clock, INT64_C (1750000000000));
}

void
arm_driver_release (struct arm_driver *d)
{
  drive_state (NULL, NULL, NULL);
  http_reply_release (&d->reply);
  json_decref (d->body);
  fake_cloud_free (d->cloud);
  free (d->key);
  free (d->operation);
  free (d->monitor);
}

const char *
arm_driver_header (const struct arm_driver *d, const char *name)
{
  const char *value = http_header_get (&d->reply.headers, name);

  return value ? value : "";
}

/* ---- calls ---- */

static void
keep_url (struct arm_driver *d, const char *header, char **url)
{
  const char *value = arm_driver_header (d, header);

  if (*value == '\0')
    return;
  free (*url);
  *url = xstrdup (value);
}

static void
read_reply (struct arm_driver *d)
{
  const char *code;

  json_decref (d->body);
  d->body = json_parse (d->reply.body ? d->reply.body : "", d->reply.body_len,
                        "reply", NULL);
  if (!json_is_object (d->body)) {
    json_decref (d->body);
    d->body = json_object ();
  }
  code = json_str (d->body, "error.code",
                   json_str (d->body, "code", json_str (d->body, "error", "")));
  if (d->reply.status >= 200 && d->reply.status < 300)
    snprintf (d->code, sizeof d->code, "ok");
  else if (*code)
    snprintf (d->code, sizeof d->code, "%s", code);
  else
    snprintf (d->code, sizeof d->code, "status %d", d->reply.status);
  keep_url (d, "Azure-AsyncOperation", &d->operation);
  keep_url (d, "Location", &d->monitor);
}

static void
send_it (struct arm_driver *d, struct http_request *req)
{
  CLEANUP_FREE char *bearer = NULL;

  if (d->key && strncmp (d->key, "eyJ", 3) == 0) {
    bearer = xasprintf ("Bearer %s", d->key);
    http_header_add (&req->headers, "Authorization", bearer);
  } else if (d->key)
    http_header_add (&req->headers, "X-Fake-Key", d->key);
  http_reply_release (&d->reply);
  fake_cloud_handle (d->cloud, req, &d->reply);
  read_reply (d);
}

static char *
url_of (const char *path)
{
  bool disk = strcasestr (path, "/disks") || strcasestr (path, "/snapshots");
  const char *version = strcasestr (path, "/tags/")   ? "2021-04-01"
                        : strcasestr (path, "/locks") ? "2020-05-01"
                        : disk                        ? "2024-03-02"
                                                      : "2024-11-01";

  if (*path == '!')
    return xasprintf ("https://management.azure.com%s", path + 1);
  return xasprintf ("https://management.azure.com/subscriptions/" ARM_S
                    "/%s%sapi-version=%s",
                    path, strchr (path, '?') ? "&" : "?", version);
}

static void
call (struct arm_driver *d, const char *method, const char *rest)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  CLEANUP_FREE char *path = xstrndup (rest, strcspn (rest, " "));
  const char *body = rest + strlen (path);

  body += strspn (body, " ");
  if (strncmp (body, "If-Match:", 9) == 0) {
    CLEANUP_FREE char *tag = xstrndup (body + 9, strcspn (body + 9, " "));

    http_header_add (&req.headers, "If-Match", tag);
    body += 9 + strlen (tag);
    body += strspn (body, " ");
  }
  req.method = xstrdup (method);
  req.url = url_of (path);
  req.body = quoted (body);
  req.body_len = strlen (req.body);
  if (strchr (rest, '=') && *body && *body != '{')
    http_header_add (&req.headers, "Content-Type",
                     "application/x-www-form-urlencoded");
  send_it (d, &req);
}

static void
poll_it (struct arm_driver *d, const char *url)
{
  CLEANUP_HTTP_REQUEST struct http_request req = {0};
  bool monitor = url == d->monitor;
  const char *status;

  req.method = xstrdup ("GET");
  req.url = xstrdup (url ? url : "");
  send_it (d, &req);
  status = json_str (d->body, "status", "");
  if (monitor && d->reply.status == 202)
    snprintf (d->code, sizeof d->code, "InProgress");
  else if (strcmp (status, "Failed") == 0)
    snprintf (d->code, sizeof d->code, "%s",
              json_str (d->body, "error.code", "Failed"));
  else if (*status)
    snprintf (d->code, sizeof d->code, "%s", status);
}

static void
step (struct arm_driver *d, const char *words)
{
  static const char *const methods[] = {"GET", "PUT", "POST", "PATCH",
                                        "DELETE"};
  const char *rest = words + strcspn (words, " ");
  size_t len = (size_t)(rest - words);

  rest += strspn (rest, " ");
  snprintf (d->code, sizeof d->code, "ok");
  if (strncmp (words, "wait ", 5) == 0)
    fake_clock_advance (&d->clock, strtoll (rest, NULL, 10));
  else if (strcmp (words, "poll") == 0)
    poll_it (d, d->operation);
  else if (strcmp (words, "monitor") == 0)
    poll_it (d, d->monitor);
  else if (strncmp (words, "as ", 3) == 0) {
    free (d->key);
    d->key = xstrdup (rest);
  } else if (strncmp (words, "control ", 8) == 0)
    drive_control (d->cloud, rest);
  else if (strncmp (words, "set ", 4) == 0) {
    CLEANUP_FREE char *id = xstrndup (rest, strcspn (rest, " "));
    CLEANUP_FREE char *op = xasprintf ("{'op': 'set', 'id': '%s', 'body': %s}",
                                       id, rest + strlen (id));

    drive_control (d->cloud, op);
  }
  for (size_t i = 0; i < ARRAY_SIZE (methods); i++)
    if (strlen (methods[i]) == len && strncmp (methods[i], words, len) == 0)
      call (d, methods[i], rest);
}

const char *
arm_driver_run (struct arm_driver *d, const char *steps)
{
  CLEANUP_FREE char *copy = xstrdup (steps);
  char *rest = copy, *words;

  while ((words = strsep (&rest, ";")) != NULL) {
    words += strspn (words, " ");
    step (d, words);
    if (rest && strcmp (d->code, "ok") != 0 &&
        strcmp (d->code, "Succeeded") != 0) {
      fprintf (stderr, "%s: %s\n%s\n", words, d->code, d->reply.body);
      CU_FAIL ("a step before the last one failed");
      break;
    }
  }
  return d->code;
}
