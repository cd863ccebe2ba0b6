/* Random calls to the fake Azure: sensible ones, after each of which VM and
 * disk must agree about who has whom, and senseless ones, which change nothing.
 * BOOTMEND_SEED=N repeats a walk. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

#include <base/strbuf.h>

#include "arm-driver.h"

enum {
  WALKS = 40,
  STEPS = 60,
  ROUNDS = 5000
};

static unsigned
below (unsigned *random, unsigned n)
{
  *random = *random * 1664525U + 1013904223U;
  return (*random >> 8) % n;
}

#define PICK(list) (list)[below (random, ARRAY_SIZE (list))]

static const char *const vms[] = {"bad", "ok", "off", "cold", "helper", "tl"};
static const char *const disks[] = {"spare",        "far",       "keep",
                                    "fit",          "linux",     "new",
                                    "bad_osdisk",   "ok_osdisk", "off_osdisk",
                                    "helper_data_0"};
static const char *const powers[] = {"start", "powerOff?skipShutdown=true",
                                     "deallocate", "restart"};
static const char *const faults[] = {"late-failure", "reset", "no-answer",
                                     "throttle"};

/* ---- sensible calls ---- */

static char *
disk_call (unsigned *random, const char *vm, const char *disk)
{
  const char *list =
      below (random, 2) ? "dataDisksToAttach" : "dataDisksToDetach";

  switch (below (random, 4)) {
  case 0:
    return xasprintf ("PATCH " ARM_VM ("%s") " {'properties': "
                                             "{'storageProfile': {'osDisk': "
                                             "{'name': '%s', 'managedDisk': "
                                             "{'id': '" ARM_DISK_ID (
                                                 "%s") "'}}}}}",
                      vm, disk, disk);
  case 1:
    return xasprintf ("PUT " ARM_DISK (
                          "new") " {'location': 'westeurope', 'zones': ['1'], "
                                 "'properties': {'hyperVGeneration': 'V2', "
                                 "'creationData': {'createOption': 'Copy', "
                                 "'sourceResourceId': '" ARM_DISK_ID (
                                     "%s") "'}}}",
                      disk);
  case 2:
    return xasprintf ("DELETE " ARM_DISK ("%s"), disk);
  default:
    return xasprintf ("POST " ARM_VM (
                          "%s") "/attachDetachDataDisks {'%s': [{'diskId': "
                                "'" ARM_DISK_ID ("%s") "'}]}",
                      vm, list, disk);
  }
}

static void
walk_step (struct arm_driver *d, unsigned *random)
{
  const char *vm = PICK (vms), *disk = PICK (disks);
  CLEANUP_FREE char *step = NULL;

  switch (below (random, 8)) {
  case 0:
  case 1:
    step = xasprintf ("POST " ARM_VM ("%s") "/%s", vm, PICK (powers));
    break;
  case 2:
  case 3:
    step = xasprintf ("wait %u", below (random, 25000));
    break;
  case 4:
    step = xasprintf ("control {'op': 'fault', 'rule': {'action': '*', "
                      "'times': 1, 'when': 'after', 'what': '%s'}}",
                      PICK (faults));
    break;
  default:
    step = disk_call (random, vm, disk);
  }
  arm_driver_run (d, step);
}

/* ---- who has whom ---- */

static bool
has_disk (const json_t *vm, const char *id)
{
  const json_t *profile = json_at (vm, "properties.storageProfile");
  json_t *entry;
  size_t i;

  if (strcasecmp (json_str (profile, "osDisk.managedDisk.id", ""), id) == 0)
    return true;
  json_array_foreach (json_object_get (profile, "dataDisks"), i, entry)
  {
    if (strcasecmp (json_str (entry, "managedDisk.id", ""), id) == 0)
      return true;
  }
  return false;
}

/* How many disks say that they are this VM's. */
static bool
agrees (const json_t *state)
{
  const json_t *all = json_at (state, "objects.vm");
  const char *id;
  json_t *disk;

  json_object_foreach (json_at (state, "objects.disk"), id, disk)
  {
    const char *owner = json_str (disk, "_owner", "");
    const char *word = json_str (disk, "properties.diskState", "");
    const json_t *vm = json_object_get (all, owner);

    /* the old one of a swap that goes on is in no model, but not free yet */
    if ((*owner && vm == NULL) ||
        (vm && !has_disk (vm, id) && !json_object_get (vm, "_operation")) ||
        (*owner == '\0') != (strcmp (word, "Unattached") == 0))
      return false;
  }
  return true;
}

static void
test_walk (void)
{
  const char *only = getenv ("BOOTMEND_SEED");
  unsigned first = only ? (unsigned)strtoul (only, NULL, 10) : 1;

  for (unsigned seed = first; seed < first + (only ? 1 : WALKS); seed++) {
    unsigned random = seed, step = 0;
    struct arm_driver d;
    bool good = true;

    arm_driver_init (&d, "{'throttle': {'enabled': false}}");
    for (; good && step < STEPS; step++) {
      CLEANUP_JSON json_t *state = NULL;

      walk_step (&d, &random);
      state = fake_cloud_state (d.cloud);
      good = agrees (state);
    }
    if (!good)
      fprintf (stderr, "seed %u: after step %u VM and disk don't agree\n", seed,
               step);
    CU_ASSERT_TRUE (good);
    arm_driver_release (&d);
  }
}

/* ---- senseless ones ---- */

static char *
garbage (unsigned *random, unsigned pieces)
{
  static const char *const words[] = {"/",           "subscriptions",
                                      ARM_S,         "resourceGroups",
                                      "web",         "providers",
                                      "bad",         "Microsoft.Compute",
                                      "?",           "&",
                                      "api-version", "=2024-11-01",
                                      "%2f",         "%00",
                                      "%zz",         "..",
                                      "{",           "}",
                                      "\"",          "[[[[",
                                      "properties",  ":",
                                      ",",           "$skiptoken=",
                                      "\xff\xfe",    "\r\n",
                                      "operations",  "null",
                                      "tags",        "monitor=true",
                                      "disks",       "virtualMachines"};
  struct strbuf sb = STRBUF_EMPTY;

  strbuf_addstr (&sb, "");
  for (unsigned i = 0; i < pieces; i++)
    if (below (random, 4))
      strbuf_addstr (&sb, PICK (words));
    else
      strbuf_addch (&sb, (char)(1 + below (random, 255)));
  return strbuf_take (&sb);
}

static void
test_garbage (void)
{
  static const char *const methods[] = {"GET", "PUT", "POST", "PATCH",
                                        "DELETE"};
  static const char *const starts[] = {"/subscriptions/" ARM_S "/",
                                       ARM_VM_ID ("bad"), ARM_DISK_ID ("fit"),
                                       "/t1/oauth2/v2.0/", "/metadata/"};
  unsigned value = 3, *random = &value;
  CLEANUP_JSON json_t *before = NULL, *after = NULL;
  struct arm_driver d;

  arm_driver_init (&d, NULL);
  before = fake_cloud_state (d.cloud);
  for (unsigned i = 0; i < ROUNDS; i++) {
    CLEANUP_HTTP_REQUEST struct http_request req = {0};
    CLEANUP_FREE char *tail = garbage (random, below (random, 12));

    req.method = xstrdup (PICK (methods));
    req.url = xasprintf ("http://h%s%s", PICK (starts), tail);
    req.body = garbage (random, below (random, 20));
    req.body_len = strlen (req.body);
    http_reply_release (&d.reply);
    fake_cloud_handle (d.cloud, &req, &d.reply);
  }
  after = fake_cloud_state (d.cloud);
  CU_ASSERT_TRUE (json_equal (before, after));
  arm_driver_release (&d);
}

static const struct unit_case cases[] = {
    {"VM and disk agree", test_walk},
    {"garbage", test_garbage},
};
UNIT_MAIN ("fake-cloud/arm-walk", cases)
