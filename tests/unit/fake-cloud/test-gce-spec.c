/* What the fake Compute Engine takes and answers, against Google's own
 * description of the API.
 *
 * The description is not part of the project: BOOTMEND_SPECS names a folder
 * with gcp/compute.v1.json (the discovery document of Compute v1); without it
 * the test is skipped. */

#include "unit.h"

#include <stdio.h>
#include <string.h>

#include <base/strbuf.h>

#include "gce-driver.h"

/* Newer than the description of 2021 that this was written with. */
static const char *const newer[] = {"architecture",
                                    "discardLocalSsd",
                                    "sourceDisk",
                                    "guestOsFeatures",
                                    "physicalBlockSizeBytes",
                                    "enableConfidentialCompute",
                                    "provisionedThroughput",
                                    "forceAttach",
                                    "snapshotType",
                                    "locked",
                                    "guestFlush",
                                    "instanceEncryptionKey"};

static int bad;

static void
complain (const char *where, const char *what, const char *which)
{
  printf ("%s: %s: %s\n", where, what, which);
  bad++;
}

static bool
is_newer (const char *name)
{
  for (size_t i = 0; i < ARRAY_SIZE (newer); i++)
    if (strcmp (newer[i], name) == 0)
      return true;
  return false;
}

/* ---- replies ---- */

static void check (const json_t *spec, const json_t *schema,
                   const json_t *value, const char *where);

static void
check_object (const json_t *spec, const json_t *schema, const json_t *value,
              const char *where)
{
  const json_t *known = json_object_get (schema, "properties");
  const json_t *other = json_object_get (schema, "additionalProperties");
  const char *key;
  json_t *member;

  json_object_foreach ((json_t *)value, key, member)
  {
    CLEANUP_FREE char *path = xasprintf ("%s.%s", where, key);
    const json_t *of = json_object_get (known, key) ?: other;

    if (of)
      check (spec, of, member, path);
    else if (!is_newer (key))
      complain (where, "no such member", key);
  }
}

static bool
is_in (const json_t *list, const json_t *value)
{
  for (size_t i = 0; i < json_array_size (list); i++)
    if (json_equal (json_array_get (list, i), (json_t *)value))
      return true;
  return false;
}

static void
check (const json_t *spec, const json_t *schema, const json_t *value,
       const char *where)
{
  const char *ref = json_str (schema, "$ref", NULL);
  const char *type;

  if (ref)
    schema = json_object_get (json_object_get (spec, "schemas"), ref);
  type = json_str (schema, "type", "any");
  if (strcmp (type, "object") == 0 && json_is_object (value))
    check_object (spec, schema, value, where);
  else if (strcmp (type, "array") == 0 && json_is_array (value))
    for (size_t i = 0; i < json_array_size (value); i++)
      check (spec, json_object_get (schema, "items"), json_array_get (value, i),
             where);
  else if (!(strcmp (type, "string") == 0 && json_is_string (value)) &&
           !(strcmp (type, "integer") == 0 && json_is_integer (value)) &&
           !(strcmp (type, "boolean") == 0 && json_is_boolean (value)))
    complain (where, "is not of type", type);
  if (json_object_get (schema, "enum") && json_is_string (value) &&
      !is_in (json_object_get (schema, "enum"), value))
    complain (where, "no such value", json_string_value (value));
}

static const struct {
  const char *method, *steps;
} replies[] = {
    {"instances.get", "GET " WEB},
    {"instances.get", "GET " Z "instances/ssd"},
    {"instances.list", "GET " Z "instances"},
    {"instances.aggregatedList", "GET aggregated/instances"},
    {"instances.stop", "POST " WEB "/stop"},
    {"instances.getSerialPortOutput", "GET " WEB "/serialPort"},
    {"instances.getScreenshot", "GET " WEB "/screenshot"},
    {"instances.getGuestAttributes",
     "GET " HELPER "/getGuestAttributes?queryPath=app/"},
    {"instances.testIamPermissions",
     "POST " WEB "/testIamPermissions {'permissions':['a']}"},
    {"disks.get", "GET " Z "disks/web-os"},
    {"disks.get", "GET " Z "disks/csek"},
    {"regionDisks.get", "GET regions/europe-west1/disks/reg"},
    {"disks.aggregatedList", "GET aggregated/disks"},
    {"snapshots.list", "GET global/snapshots"},
    {"snapshots.get", "GET global/snapshots/old"},
    {"projects.get", "GET "},
    {"instanceGroups.listInstances",
     "POST " Z "instanceGroups/g/listInstances"},
    {"instanceGroups.get", "GET " Z "instanceGroups/g"},
    {"zoneOperations.list", "POST " WEB "/stop; GET " Z "operations"},
    {"zoneOperations.get", "POST " OFF "/start; wait 7000; end"},
};

static const json_t *
method_of (const json_t *spec, const char *name)
{
  const char *dot = strchr (name, '.');
  CLEANUP_FREE char *group = xstrndup (name, (size_t)(dot - name));
  const json_t *resource =
      json_object_get (json_object_get (spec, "resources"), group);

  return json_object_get (json_object_get (resource, "methods"), dot + 1);
}

static void
check_reply (const json_t *spec, const char *method, const char *steps)
{
  struct gce_driver d;

  gce_init (&d, NULL);
  gce_do (&d, steps);
  if (d.status != 200)
    complain (method, "refused", d.code);
  else
    check (spec, json_object_get (method_of (spec, method), "response"),
           d.reply, method);
  gce_release (&d);
}

/* ---- requests ---- */

/* "compute NAME VERB PATH QUERY|BODY" of fake_cloud_actions. */
static void
check_method (const json_t *spec, char *line)
{
  char *rest = line, *body;
  const char *name, *verb, *path, *word;
  const json_t *method, *members;

  /* Azure's Compute has slashes in its names. */
  if (strcmp (strsep (&rest, " "), "compute") != 0 || !strchr (rest, '|'))
    return;
  name = strsep (&rest, " ");
  verb = strsep (&rest, " ");
  path = strsep (&rest, " ");
  body = strchr (rest, '|');
  *body++ = '\0';
  method = method_of (spec, name);
  if (method == NULL) {
    complain (name, "no such method", verb);
    return;
  }
  if (strcmp (verb, json_str (method, "httpMethod", "")) != 0)
    complain (name, "another verb", verb);
  if (strcmp (path + 1, json_str (method, "path", "")) != 0)
    complain (name, "another path", path);
  while ((word = strsep (&rest, " ")) != NULL) {
    CLEANUP_FREE char *key = xstrndup (word, strcspn (word, "!"));

    if (*key && !is_newer (key) &&
        !json_object_get (json_object_get (method, "parameters"), key))
      complain (name, "no such parameter", key);
  }
  members =
      json_object_get (json_object_get (json_object_get (spec, "schemas"),
                                        json_str (method, "request.$ref", "")),
                       "properties");
  while ((word = strsep (&body, " ")) != NULL)
    if (*word && !is_newer (word) && !json_object_get (members, word))
      complain (name, "no such member of its body", word);
}

static json_t *description;

static void
test_replies (void)
{
  for (size_t i = 0; i < ARRAY_SIZE (replies); i++)
    check_reply (description, replies[i].method, replies[i].steps);
  CU_ASSERT_EQUAL (bad, 0);
}

static void
test_methods (void)
{
  CLEANUP_FREE char *actions = fake_cloud_actions ();
  char *rest = actions, *line;

  bad = 0;
  while ((line = strsep (&rest, "\n")) != NULL)
    if (*line)
      check_method (description, line);
  CU_ASSERT_EQUAL (bad, 0);
}

static const struct unit_case cases[] = {
    {"replies", test_replies},
    {"methods, parameters, bodies", test_methods},
};

int
main (void)
{
  const char *folder = getenv ("BOOTMEND_SPECS");
  CLEANUP_FREE char *path =
      xasprintf ("%s/gcp/compute.v1.json", folder ? folder : "");
  int result;

  description = folder ? json_parse_file (path, 16 << 20, NULL) : NULL;
  if (description == NULL) {
    puts ("skipped: BOOTMEND_SPECS names no folder with gcp/compute.v1.json");
    return 77;
  }
  result = unit_run ("fake Compute: Google's description", cases,
                     ARRAY_SIZE (cases));
  json_decref (description);
  return result;
}
