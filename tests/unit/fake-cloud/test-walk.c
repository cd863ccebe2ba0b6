/* Random calls at random times, with faults: whatever happens, both sides of
 * each attachment agree, and nothing is left half done.
 *
 * BOOTMEND_SEED=N runs one walk, that of the seed that a failure named. */

#include "unit.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <base/strbuf.h>

#include "driver.h"

enum {
#ifdef __SANITIZE_ADDRESS__ /* which makes a walk several times as long */
  WALKS = 12,
#else
  WALKS = 60,
#endif
  STEPS = 300
};

static const char *const calls[] = {
    "StopInstances InstanceId.1=%i",
    "StopInstances InstanceId.1=%i InstanceId.2=%i Force=true",
    "StartInstances InstanceId.1=%i",
    "StartInstances InstanceId.1=%i InstanceId.2=%i",
    "RebootInstances InstanceId.1=%i",
    "DetachVolume VolumeId=%v",
    "DetachVolume VolumeId=%v InstanceId=%i",
    "DetachVolume VolumeId=%v Force=true",
    "AttachVolume VolumeId=%v InstanceId=%i Device=/dev/sda1",
    "AttachVolume VolumeId=%v InstanceId=%i Device=/dev/xvda",
    "AttachVolume VolumeId=%v InstanceId=%i Device=/dev/sdf",
    "AttachVolume VolumeId=%v InstanceId=%i Device=/dev/sdg",
    "CreateSnapshot VolumeId=%v",
    "CreateVolume AvailabilityZone=us-east-1a SnapshotId=%s",
    "CreateVolume AvailabilityZone=us-east-1a Size=1 ClientToken=%n",
    "CreateReplaceRootVolumeTask InstanceId=%i SnapshotId=%s",
    "CreateReplaceRootVolumeTask InstanceId=%i VolumeId=%v",
    "CreateReplaceRootVolumeTask InstanceId=%i DeleteReplacedRootVolume=true",
    "DeleteVolume VolumeId=%v",
    "DeleteSnapshot SnapshotId=%s",
    "CreateTags ResourceId.1=%v ResourceId.2=%i Tag.1.Key=%n Tag.1.Value=x",
    "DeleteTags ResourceId.1=%i",
    "TerminateInstances InstanceId.1=%i",
    "DescribeInstances",
    "DescribeVolumes MaxResults=5",
    "DescribeInstanceStatus InstanceId.1=%i",
    "GetConsoleOutput InstanceId=%i",
    "GetConsoleScreenshot InstanceId=%i",
    "ModifyInstanceAttribute InstanceId=%i "
    "BlockDeviceMapping.1.DeviceName=/dev/"
    "sdf BlockDeviceMapping.1.Ebs.DeleteOnTermination=true",
    "ModifyInstanceAttribute InstanceId=%i DisableApiStop.Value=true",
    "ModifyInstanceAttribute InstanceId=%i DisableApiStop.Value=false",
    "DescribeInstanceAttribute InstanceId=%i Attribute=blockDeviceMapping",
    "CreateSnapshots InstanceSpecification.InstanceId=%i",
    "DescribeTags",
};

/* A number below n of a small generator of our own. */
static unsigned
below (unsigned *random, unsigned n)
{
  *random = *random * 1664525U + 1013904223U;
  return (*random >> 8) % n;
}

/* An id of that kind that exists or existed. */
static const char *
some_id (const json_t *state, const char *kind, unsigned *random)
{
  const json_t *objects = json_object_get (state, "objects");
  const json_t *of_kind = json_object_get (objects, kind);
  size_t n = json_object_size (of_kind);
  void *at = json_object_iter ((json_t *)of_kind);

  if (n == 0 || below (random, 50) == 0)
    return NOBODY;
  for (unsigned i = below (random, (unsigned)n); i > 0; i--)
    at = json_object_iter_next ((json_t *)of_kind, at);
  return json_object_iter_key (at);
}

static char *
fill (const char *pattern, const json_t *state, unsigned *random)
{
  struct strbuf sb = STRBUF_EMPTY;

  for (const char *p = pattern; *p; p++) {
    if (*p != '%') {
      strbuf_addch (&sb, *p);
      continue;
    }
    p++;
    if (*p == 'n')
      strbuf_addf (&sb, "%u", below (random, 5));
    else
      strbuf_addstr (&sb, some_id (state,
                                   *p == 'i'   ? "instance"
                                   : *p == 'v' ? "volume"
                                               : "snapshot",
                                   random));
  }
  return strbuf_take (&sb);
}

/* The entry of the instance's list for this volume. */
static const json_t *
mapping (const json_t *instance, const char *volume)
{
  size_t i;
  json_t *entry;

  json_array_foreach (json_object_get (instance, "blockDeviceMapping"), i,
                      entry)
  {
    if (strcmp (json_str (entry, "ebs.volumeId", ""), volume) == 0)
      return entry;
  }
  return NULL;
}

static const char *
volume_trouble (const json_t *state, const char *id, const json_t *volume)
{
  const json_t *instances = json_at (state, "objects.instance");
  const json_t *attachments = json_object_get (volume, "attachmentSet");
  const char *status = json_str (volume, "status", "");
  size_t i;
  json_t *attachment;

  if ((json_array_size (attachments) > 0) != (strcmp (status, "in-use") == 0))
    return "status and attachments differ";
  if (json_array_size (attachments) > 1 &&
      !json_bool (volume, "multiAttachEnabled", false))
    return "attached twice";
  json_array_foreach ((json_t *)attachments, i, attachment)
  {
    const json_t *instance =
        json_object_get (instances, json_str (attachment, "instanceId", ""));
    const json_t *entry = mapping (instance, id);

    if (entry == NULL)
      return "the instance does not know it";
    if (strcmp (json_str (entry, "deviceName", "a"),
                json_str (attachment, "device", "b")) != 0 ||
        json_bool (entry, "ebs.deleteOnTermination", false) !=
            json_bool (attachment, "deleteOnTermination", false))
      return "the two sides differ";
    if (strcmp (json_str (instance, "placement.availabilityZone", ""),
                json_str (volume, "availabilityZone", "")) != 0)
      return "attached across zones";
  }
  return NULL;
}

static const char *
instance_trouble (const json_t *state, const json_t *instance)
{
  const json_t *volumes = json_at (state, "objects.volume");
  const char *name = json_str (instance, "instanceState.name", "");
  bool root = false;
  size_t i, j;
  json_t *entry, *other;

  json_array_foreach (json_object_get (instance, "blockDeviceMapping"), i,
                      entry)
  {
    const char *device = json_str (entry, "deviceName", "");

    if (json_object_get (volumes, json_str (entry, "ebs.volumeId", "")) == NULL)
      return "has a volume that does not exist";
    root |= strcmp (device, json_str (instance, "rootDeviceName", "")) == 0;
    json_array_foreach (json_object_get (instance, "blockDeviceMapping"), j,
                        other)
    {
      if (i != j && strcmp (json_str (other, "deviceName", ""), device) == 0)
        return "has two volumes at one device";
    }
  }
  if (!root && strcmp (name, "running") == 0 &&
      strcmp (json_str (instance, "rootDeviceType", ""), "ebs") == 0)
    return "runs without a root volume";
  return NULL;
}

static const char *
trouble (const json_t *state)
{
  const char *id, *what;
  json_t *body;

  json_object_foreach (json_at (state, "objects.volume"), id, body)
  {
    what = volume_trouble (state, id, body);
    if (what)
      return what;
  }
  json_object_foreach (json_at (state, "objects.instance"), id, body)
  {
    what = instance_trouble (state, body);
    if (what)
      return what;
  }
  return NULL;
}

/* After a long time everything is at rest. */
static const char *
unrest (const json_t *state)
{
  static const char *const restless[] = {"\"pending\"",       "\"stopping\"",
                                         "\"shutting-down\"", "\"attaching\"",
                                         "\"detaching\"",     "\"creating\"",
                                         "\"deleting\"",      "\"in-progress\"",
                                         "\"initializing\""};
  CLEANUP_FREE char *text = json_text (state);

  for (size_t i = 0; i < sizeof restless / sizeof restless[0]; i++)
    if (strstr (text, restless[i]))
      return restless[i];
  return NULL;
}

static bool
walk (unsigned seed)
{
  CLEANUP_FREE char *patch =
      xasprintf ("{'seed':%u,'throttle':{'enabled':%s},'stale_ms':%u,'faults':["
                 "{'what':'error','when':'after','probability':0.05},"
                 "{'what':'late-failure','probability':0.05},"
                 "{'what':'no-answer','when':'after','probability':0.03}]}",
                 seed, seed % 2 ? "true" : "false", seed % 3 ? 0U : 3000U);
  unsigned random = seed;
  struct driver d;
  const char *what = NULL;
  size_t answered = 0;

  driver_init (&d, patch);
  for (unsigned step = 0; step < STEPS && what == NULL; step++) {
    CLEANUP_JSON json_t *state = fake_cloud_state (d.cloud);
    CLEANUP_FREE char *call =
        fill (calls[below (&random, sizeof calls / sizeof calls[0])], state,
              &random);

    what = trouble (state);
    if (what == NULL && strcmp (driver_call (&d, call), "ok") == 0)
      answered++;
    if (strncmp (call, "TerminateInstances", 18) == 0 && below (&random, 3))
      driver_wait (&d, 100);
    driver_wait (&d, below (&random, 4) ? below (&random, 3000)
                                        : below (&random, 60000));
  }
  driver_wait (&d, 1800 * 1000);
  if (what == NULL) {
    CLEANUP_JSON json_t *state = fake_cloud_state (d.cloud);

    what = trouble (state);
    if (what == NULL)
      what = unrest (state);
  }
  if (what)
    fprintf (stderr, "seed %u: %s\n", seed, what);
  /* A walk in which hardly anything works shows nothing. */
  if (what == NULL && answered < STEPS / 10) {
    fprintf (stderr, "seed %u: only %zu calls were answered\n", seed, answered);
    what = "too little";
  }
  driver_release (&d);
  return what == NULL;
}

static void
test_walks (void)
{
  const char *only = getenv ("BOOTMEND_SEED");

  if (only) {
    CU_ASSERT_TRUE (walk ((unsigned)strtoul (only, NULL, 10)));
    return;
  }
  for (unsigned seed = 1; seed <= WALKS; seed++)
    CU_ASSERT_TRUE (walk (seed));
}

static const struct unit_case cases[] = {
    {"nothing is left half done", test_walks},
};
UNIT_MAIN ("fake-cloud/walk", cases)
